import torch
from torch import nn

from iic_ptv.models import c3d


def test_parameter_count():
    plan = [(3, 64), (64, 128), (128, 256), (256, 256), (256, 512), (512, 512), (512, 512), (512, 512)]
    by_hand = sum(27 * i * o + o + 2 * o for i, o in plan)  # weights and bias of a convolution, its BatchNorm
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in c3d().parameters()) == by_hand == 27_661_440


def test_shapes_at_the_clip_size_of_the_paper():
    with torch.device("meta"):
        network, clip = c3d(), torch.empty(2, 3, 16, 112, 112)
        assert network.feature_map(clip).shape == (2, 512, 2, 7, 7)
        assert network(clip).shape == (2, 512)
        network.features = "map"
        assert network(clip).shape == (2, 9216)


def test_computes_the_plan_layer_by_layer():
    network = c3d(width=0.125).eval()
    units = [module for module in network.modules() if hasattr(module, "conv")]
    pools = {0: (1, 2, 2), 1: (2, 2, 2), 3: (2, 2, 2), 5: (2, 2, 2)}
    clip = torch.rand(2, 3, 8, 32, 32)
    with torch.no_grad():
        x = clip
        for number, unit in enumerate(units):
            x = unit.bn(unit.conv(x)).clamp(min=0)
            if number in pools:
                x = nn.functional.max_pool3d(x, pools[number])
        torch.testing.assert_close(network(clip), x.flatten(2).mean(dim=2))
    assert len(units) == 8
    assert all(unit.conv.bias is not None for unit in units)


def test_width_scales_the_features():
    with torch.device("meta"):
        assert c3d(width=0.5).feature_dim == 256
