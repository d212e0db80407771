import pytest
import torch
from pytorchvideo.models import hub
from torch import nn

from iic_ptv.errors import InputError
from iic_ptv.models.pytorchvideo_backbone import SINGLE_PATHWAY, SLOWFAST, PyTorchVideoBackbone, pytorchvideo_backbone

FEATURE_DIMS = {
    **dict.fromkeys(SINGLE_PATHWAY, 2048),
    **dict.fromkeys(SLOWFAST, 2048 + 256),
}


@pytest.mark.parametrize("name", SINGLE_PATHWAY + SLOWFAST)
def test_every_name_builds_and_accepts_clips_of_any_size(name):
    with torch.device("meta"):
        network = pytorchvideo_backbone(name)
        assert network.feature_dim == FEATURE_DIMS[name]
        for size in ((16, 112, 112), (8, 64, 96), (5, 33, 33)):
            assert network(torch.empty(2, 3, *size)).shape == (2, FEATURE_DIMS[name])


# The first at the size it was published with, the others with the hub model's pooling set to the map of a small clip.
@pytest.mark.parametrize(
    ("name", "size", "options"),
    [
        ("x3d_xs", (4, 160, 160), {}),
        ("c2d_r50", (8, 64, 64), {"head_pool_kernel_size": (4, 2, 2)}),
        ("r2plus1d_r50", (8, 64, 64), {"head_pool_kernel_size": (2, 2, 2), "head_activation": None}),
        ("slowfast_r50", (16, 64, 64), {"head_pool_kernel_sizes": ((4, 2, 2), (16, 2, 2))}),
    ],
)
def test_features_are_what_the_hub_model_classifies(name, size, options):
    torch.manual_seed(0)
    network = pytorchvideo_backbone(name).eval()
    torch.manual_seed(0)
    hub_model = getattr(hub, name)(**options).eval()
    hub_model.blocks[-1].proj = nn.Identity()
    hub_model.blocks[-1].activation = None
    clip = torch.rand(2, 3, *size)
    hub_clip = [clip[:, :, ::4], clip] if name in SLOWFAST else clip
    with torch.no_grad():
        torch.testing.assert_close(network(clip), hub_model(hub_clip))


@pytest.fixture(scope="module")
def slowfast() -> PyTorchVideoBackbone:
    torch.manual_seed(0)
    return pytorchvideo_backbone("slowfast_r50").eval()


@pytest.mark.parametrize("frames", [1, 4, 6, 8])
def test_slowfast_joins_its_pathways_at_the_slow_frame_rate(slowfast, frames):
    with torch.no_grad():
        feature_map = slowfast.feature_map(torch.rand(1, 3, frames, 32, 32))
    assert feature_map.shape == (1, 2048 + 256, -(-frames // 4), 1, 1)


def test_slowfast_leaves_the_clip_as_it_was(slowfast):
    clip = torch.rand(1, 3, 8, 32, 32)
    before = clip.clone()
    with torch.no_grad():
        slowfast(clip)
    assert torch.equal(clip, before)


def test_slowfast_takes_other_numbers_of_channels():
    with torch.device("meta"):
        network = pytorchvideo_backbone("slowfast_r50", in_channels=2, num_classes=5)
        assert network(torch.empty(2, 2, 8, 32, 32)).shape == (2, 5)


def test_options_reach_the_hub_function():
    with torch.device("meta"):
        shallow, deep = pytorchvideo_backbone("x3d_s"), pytorchvideo_backbone("x3d_s", depth_factor=5.0)
    assert len(deep.state_dict()) > len(shallow.state_dict())


@pytest.mark.parametrize("name", ["slow_r51", "slow_r50_detection", "create_resnet"])
def test_an_unknown_name_is_refused_with_those_that_exist(name):
    with pytest.raises(InputError, match=rf"'{name}'.*slow_r50, x3d_l.*slowfast_r50"):
        pytorchvideo_backbone(name)


def test_the_first_convolution_may_cover_more_frames():
    with torch.device("meta"):
        network, usual = pytorchvideo_backbone("slow_r50", stem_frames=3), pytorchvideo_backbone("slow_r50")
        assert network.feature_map(torch.empty(1, 3, 5, 33, 33)).shape == (1, 2048, 5, 2, 2)
    conv, before = network.trunk.blocks[0].conv, usual.trunk.blocks[0].conv
    assert (conv.weight.shape, before.weight.shape) == ((64, 3, 3, 7, 7), (64, 3, 1, 7, 7))
    assert conv.stride == before.stride


@pytest.mark.parametrize(("name", "frames"), [("slow_r50", 2), ("x3d_xs", 3), ("slowfast_r50", 3)])
def test_a_first_convolution_that_cannot_be_changed_is_told(name, frames):
    with torch.device("meta"), pytest.raises(InputError, match="stem_frames: "):
        pytorchvideo_backbone(name, stem_frames=frames)
