"""A file is put in place only if it is right."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from iic_ptv.errors import InputError
from iic_ptv.export.check import random_clips
from iic_ptv.export.extractor import Extractor
from iic_ptv.export.formats import FORMATS
from iic_ptv.export.write import write_export

TORCHSCRIPT, TORCH_EXPORT = FORMATS["torchscript"], FORMATS["torch.export"]


@pytest.fixture(scope="module")
def small(small_extractor):
    return small_extractor("c3d")


class DependsOnTheData(nn.Module):
    """What a trace cannot follow, and torch.export does not take."""

    def __init__(self, threshold):
        super().__init__()
        self.threshold = threshold

    def forward(self, clips):
        mean = clips.mean(dim=(2, 3, 4))
        return mean if mean[0, 0] > self.threshold else mean + 1


def test_what_computes_something_else_is_not_written(small, small_extractor, tmp_path):
    other, _ = small_extractor("r3d")

    def write_another(extractor, *rest):
        TORCHSCRIPT.write(other, *rest)

    path = tmp_path / "wrong.pt"
    path.write_text("before")
    with pytest.raises(InputError, match=r"wrong\.pt: not written, .* off by .* and 1e-04 are allowed"):
        write_export(*small, replace(TORCHSCRIPT, write=write_another), path, overwrite=True)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_trace_that_depends_on_the_clips_is_found_out(small, tmp_path, capfd):
    """The traced batch lies on one side of the threshold, those of the check on both."""
    extractor, description = small
    first = [float(extractor.prepare(random_clips(n, description.input_shape))[0, 0].mean()) for n in (1, 2, 3)]
    threshold = (first[0] + first[1]) / 2
    depending = Extractor([nn.Identity()], [DependsOnTheData(threshold)], description.network.clip)
    with pytest.raises(InputError, match="not written"):
        write_export(depending, description, TORCHSCRIPT, tmp_path / "it.pt")
    with pytest.raises(InputError, match=r"c3d cannot be exported as torch\.export: .*; another format may do"):
        write_export(depending, description, TORCH_EXPORT, tmp_path / "it.pt2")
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_there_stays_unless_asked(small, tmp_path):
    path = tmp_path / "there.pt"
    path.write_text("before")
    with pytest.raises(InputError, match="it is there already"):
        write_export(*small, TORCHSCRIPT, path)
    assert path.read_text() == "before"
    write_export(*small, TORCHSCRIPT, path, overwrite=True)
    assert isinstance(torch.jit.load(path), torch.jit.ScriptModule)
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(InputError, match="it is there already"):
        write_export(*small, TORCHSCRIPT, tmp_path / "folder.pt", overwrite=True)


def test_where_nothing_can_be_written(small, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_export(*small, TORCHSCRIPT, tmp_path / "file" / "below.pt")
    with pytest.raises(InputError, match=r"files of torch\.export end with \.pt2"):
        write_export(*small, TORCH_EXPORT, tmp_path / "it.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_network_that_has_diverged_is_refused(small_extractor, tmp_path):
    extractor, description = small_extractor("c3d")
    extractor.networks[0].layer1[0].conv.weight.fill_(torch.nan)
    with pytest.raises(InputError, match="NaN or infinite"):
        write_export(extractor, description, TORCHSCRIPT, tmp_path / "it.pt")
    assert not list(tmp_path.iterdir())
