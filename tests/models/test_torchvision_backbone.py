import pytest
import torch
from torch import nn
from torchvision.models import video

from iic_ptv.models.torchvision_backbone import FittingMaxPool3d, TorchvisionBackbone, r3d_18, s3d


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


def test_s3d_has_the_shapes_and_the_parameters_of_torchvision() -> None:
    last_layer = 1024 * 400 + 400
    with torch.device("meta"):
        complete = sum(parameter.numel() for parameter in video.s3d(weights=None).parameters())
        network, clip = s3d(features="map"), torch.empty(2, 3, 16, 112, 112)
        assert network.feature_map(clip).shape == (2, 1024, 2, 3, 3)
        assert network(clip).shape == (2, 2048)
    assert sum(parameter.numel() for parameter in network.parameters()) == complete - last_layer == 7_910_048


def test_weights_of_torchvisions_s3d_load_under_another_name_and_give_its_features() -> None:
    torch.manual_seed(0)
    original, network = video.s3d(weights=None).eval(), s3d().eval()
    weights = {
        name.replace("features.", "trunk.", 1): value
        for name, value in original.state_dict().items()
        if name.startswith("features.")
    }
    network.load_state_dict(weights)
    clip = torch.rand(1, 3, 16, 64, 64)
    original.avgpool = nn.AdaptiveAvgPool3d(1)  # its own is for frames of 224 x 224
    original.classifier = nn.Identity()
    with torch.no_grad():
        torch.testing.assert_close(network(clip), original(clip))


def test_the_last_pooling_of_s3d_is_torchvisions_where_the_map_is_large_enough() -> None:
    feature_map = torch.rand(1, 2, 3, 4, 5)
    pooled = FittingMaxPool3d((2, 2, 2))(feature_map)
    assert torch.equal(pooled, nn.MaxPool3d(2)(feature_map))
    assert FittingMaxPool3d((2, 2, 2))(feature_map[:, :, :1]).shape == (1, 2, 1, 2, 2)
