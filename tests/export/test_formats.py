"""Every format: a file alone computes what the network does, for any number of clips, and says what it is."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from iic_ptv.cli.export import FORMATS as OFFERED
from iic_ptv.export.check import TOLERANCE, largest_error, random_clips
from iic_ptv.export.extractor import Extractor
from iic_ptv.export.format import ExportDescription
from iic_ptv.export.formats import FORMATS
from iic_ptv.export.onnx import PACKAGES
from iic_ptv.export.write import Exported, write_export
from iic_ptv.files.structured import from_json
from iic_ptv.models.pytorchvideo_backbone import SlowFastTrunk

ROOT = Path(__file__).parents[2]


def described_by_torchscript(path):
    extra = {"iic_ptv": ""}
    torch.jit.load(path, _extra_files=extra)
    return extra["iic_ptv"]


def described_by_torch_export(path):
    extra = {"iic_ptv": ""}
    torch.export.load(path, extra_files=extra)
    return extra["iic_ptv"]


def described_by_onnx(path):
    import onnxruntime

    return onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map["iic_ptv"]


DESCRIBED_BY = {
    "torchscript": described_by_torchscript,
    "onnx": described_by_onnx,
    "torch.export": described_by_torch_export,
}


def needs(name):
    if name == "onnx":
        for package in PACKAGES:
            pytest.importorskip(package, reason="needs the extra onnx")


@dataclass
class Written:
    name: str
    path: Path
    extractor: Extractor
    description: ExportDescription
    exported: Exported

    def load(self):
        return FORMATS[self.name].load(self.path)


@pytest.fixture(scope="module", params=FORMATS)
def written(request, small_extractor, tmp_path_factory):
    needs(request.param)
    extractor, description = small_extractor("r3d", ("rgb", "residual"))
    path = tmp_path_factory.mktemp("exported") / f"extractor{FORMATS[request.param].suffix}"
    exported = write_export(extractor, description, FORMATS[request.param], path)
    return Written(request.param, path, extractor, description, exported)


def test_the_command_offers_all():
    assert set(OFFERED) == set(FORMATS)


def test_files_compute_what_the_network_does(written):
    clips = random_clips(5, written.description.input_shape)
    found = written.load()(clips)
    assert not found.requires_grad
    assert largest_error([written.extractor(clips)], [found]) <= TOLERANCE
    assert written.exported.error <= TOLERANCE
    assert written.exported.output_size == 64


def test_files_say_what_they_are_and_nothing_of_this_machine(written):
    text = DESCRIBED_BY[written.name](written.path)
    assert from_json(ExportDescription, json.loads(text)) == written.description
    assert str(ROOT).encode() not in written.path.read_bytes()
    assert list(written.path.parent.iterdir()) == [written.path]


def test_clips_of_another_size_or_type_are_refused(written):
    run, clips = written.load(), random_clips(1, written.description.input_shape)
    for other in (clips[..., :18, :24], clips[:, :, :4], clips.float()):
        with pytest.raises(Exception, match=r"(?i)expected|guard|invalid"):
            run(other)


@pytest.mark.parametrize(
    ("name", "backbone"),
    [
        *(("torchscript", backbone) for backbone in ("r2plus1d", "c3d", "r3d_18", "x3d_xs")),
        *(("torch.export", backbone) for backbone in ("r2plus1d", "c3d")),
    ],
)
def test_other_backbones(small_extractor, name, backbone, tmp_path):
    extractor, description = small_extractor(backbone)
    path = tmp_path / f"extractor{FORMATS[name].suffix}"
    assert write_export(extractor, description, FORMATS[name], path).error <= TOLERANCE


class Pathways(torch.nn.Module):
    def forward(self, clips):
        slow, fast = clips
        return [slow[..., ::2, ::2], fast[..., ::2, ::2]]


def test_slowfast_joins_its_pathways_in_onnx_too(tmp_path):
    needs("onnx")
    trunk, clip = SlowFastTrunk(Pathways()).eval(), torch.rand(2, 3, 10, 8, 8)  # 3 slow frames of 10
    torch.onnx.export(trunk, (clip,), tmp_path / "trunk.onnx", opset_version=18, verbose=False)
    import onnxruntime

    (found,) = onnxruntime.InferenceSession(tmp_path / "trunk.onnx").run(None, {"clip": clip.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), trunk(clip))
