"""Networks made ready to extract features."""

import shutil

import pytest
import torch
from torch import nn

from iic_ptv.config import load_config
from iic_ptv.errors import InputError
from iic_ptv.evaluation.features import extract_features
from iic_ptv.models.backbone import Backbone
from iic_ptv.runs.build import prepare_extraction


class OneLayer(Backbone):
    """A backbone that is compiled in moments."""

    def __init__(self) -> None:
        super().__init__(feature_dim=4)
        self.conv = nn.Conv3d(3, 4, 3, padding=1)

    def feature_map(self, clip: torch.Tensor) -> torch.Tensor:
        return self.conv(clip).relu()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler of C++")
def test_compiled_networks_keep_their_names_and_what_they_compute() -> None:
    torch.manual_seed(0)
    network = OneLayer()
    names = list(network.state_dict())
    batches = [{"video": torch.rand(3, 6, 3, 2, 4, 4), "label": torch.zeros(3), "video_name": ["a", "b", "c"]}]

    def features() -> list[torch.Tensor]:
        found = []
        for network.features in ("pooled", "map", "pooled"):
            found.append(extract_features(network, batches).features)
        return found

    expected = features()
    prepare_extraction(load_config(None, ["EVAL.COMPILE", "True"]), [network])
    assert list(network.state_dict()) == names
    torch._dynamo.utils.counters.clear()
    torch.testing.assert_close(features(), expected)
    # One for pooled features and one for maps: that the last batch has a few clips only makes no difference.
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 2


def test_precisions_are_checked_before_the_work() -> None:
    with pytest.raises(InputError, match="16-mixed needs a GPU"):
        prepare_extraction(load_config(None, ["EVAL.PRECISION", "16-mixed", "TRAINER.ACCELERATOR", "cpu"]), [])
    with pytest.raises(InputError, match="expected one of 32-true, bf16-mixed, 16-mixed; got 'half'"):
        prepare_extraction(load_config(None, ["EVAL.PRECISION", "half"]), [])
