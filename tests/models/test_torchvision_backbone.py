import pytest
import torch
from torch import nn
from torchvision.models import video

from iic_ptv.models.torchvision_backbone import TorchvisionBackbone, r3d_18


@pytest.fixture(scope="module")
def network() -> TorchvisionBackbone:
    return r3d_18().eval()


def test_parameter_count(network):
    last_layer = 512 * 400 + 400
    with torch.device("meta"):
        complete = sum(parameter.numel() for parameter in video.r3d_18(weights=None).parameters())
    assert sum(parameter.numel() for parameter in network.parameters()) == complete - last_layer == 33_166_272


def test_shapes_at_the_clip_size_of_the_paper():
    with torch.device("meta"):
        network, clip = r3d_18(features="map"), torch.empty(2, 3, 16, 112, 112)
        assert network.feature_map(clip).shape == (2, 512, 2, 7, 7)
        assert network(clip).shape == (2, 9216)


def test_weights_of_torchvision_load_by_name_and_give_its_features(network):
    original = video.r3d_18(weights=None).eval()
    missing = network.load_state_dict(original.state_dict(), strict=False)
    assert (missing.missing_keys, missing.unexpected_keys) == ([], ["fc.weight", "fc.bias"])
    original.fc = nn.Identity()
    clip = torch.rand(2, 3, 4, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network(clip), original(clip))
