import torch
import torch.nn.functional as F
from torch import nn

from iic_ptv.models import r2plus1d
from iic_ptv.models.r2plus1d import factored_conv3d

BATCH_NORM = 2  # a scale and a shift per channel


def factored(kt: int, kh: int, kw: int, i: int, o: int) -> int:
    """Parameters of a factored convolution with the BatchNorm inside it and the one after it."""
    middle = (kt * kh * kw * i * o) // (kh * kw * i + kt * o)
    return kh * kw * i * middle + BATCH_NORM * middle + kt * middle * o + BATCH_NORM * o


def test_parameter_count():
    by_hand = factored(3, 7, 7, 3, 64) + 2 * factored(3, 3, 3, 64, 64)
    for i, o in ((64, 128), (128, 256), (256, 512)):
        by_hand += factored(3, 3, 3, i, o) + factored(3, 3, 3, o, o) + factored(1, 1, 1, i, o)
    with torch.device("meta"):
        network = r2plus1d()
    assert sum(parameter.numel() for parameter in network.parameters()) == by_hand == 14_365_303
    assert [m.spatial.out_channels for m in network.modules() if hasattr(m, "spatial")] == [
        *(83, 144, 144),
        *(230, 288, 42),
        *(460, 576, 85),
        *(921, 1152, 170),
    ]


def test_shapes_at_the_clip_size_of_the_paper():
    with torch.device("meta"):
        network, clip = r2plus1d(), torch.empty(2, 3, 16, 112, 112)
        assert network.feature_map(clip).shape == (2, 512, 2, 7, 7)
        assert network(clip).shape == (2, 512)
        network.features = "map"
        assert network(clip).shape == (2, 9216)


def test_state_dict_names():
    with torch.device("meta"):
        names = r2plus1d().state_dict().keys()
    assert {"stem.conv.spatial.weight", "stem.conv.bn.weight", "stem.conv.temporal.weight", "stem.bn.weight"} <= names
    assert {"layer2.0.downsample.0.spatial.weight", "layer2.0.downsample.0.temporal.weight"} <= names
    assert not any(name.endswith(("spatial.bias", "temporal.bias")) for name in names)


def test_a_factored_convolution_is_2d_per_frame_then_1d_per_pixel():
    conv = factored_conv3d(2, 4, (3, 3, 3), (1, 1, 1)).eval()
    nn.init.uniform_(conv.bn.running_mean)
    clip = torch.randn(1, 2, 5, 6, 7)
    frames = F.conv2d(clip[0].transpose(0, 1), conv.spatial.weight[:, :, 0], padding=1)  # (T, mid, H, W)
    frames = F.relu(conv.bn(frames.transpose(0, 1)[None]))[0]
    pixels = frames.permute(2, 3, 0, 1).flatten(0, 1)  # (H W, mid, T)
    expected = F.conv1d(pixels, conv.temporal.weight[..., 0, 0], padding=1).permute(1, 2, 0).view(1, 4, 5, 6, 7)
    torch.testing.assert_close(conv(clip), expected)


def test_strides_are_shared_out_between_the_factors():
    conv = factored_conv3d(2, 4, (3, 7, 7), (2, 3, 3))
    assert conv.spatial.stride == (1, 3, 3)
    assert conv.temporal.stride == (2, 1, 1)
    assert conv(torch.rand(1, 2, 8, 12, 12)).shape == (1, 4, 4, 4, 4)


def test_the_smallest_width_works():
    assert r2plus1d(width=1 / 64).eval()(torch.rand(1, 3, 4, 16, 16)).shape == (1, 8)
