import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.models.layers import conv_bn_relu, max_pool3d, same_padding, scale_channels


@pytest.mark.parametrize("kernel_size", [(3, 3, 3), (1, 1, 1), (3, 7, 7), (1, 3, 5)])
def test_same_padding_keeps_the_size(kernel_size):
    conv = torch.nn.Conv3d(1, 1, kernel_size, padding=same_padding(kernel_size))
    assert conv(torch.rand(1, 1, 4, 9, 8)).shape == (1, 1, 4, 9, 8)


def test_conv_bn_relu_normalises_then_clips_at_zero():
    layer = conv_bn_relu(torch.nn.Conv3d(2, 3, 1), 3)
    clip = torch.randn(4, 2, 3, 5, 5)
    convolved = layer.conv(clip)
    mean, variance = (statistic(convolved.transpose(0, 1).flatten(1)) for statistic in (row_mean, row_variance))
    expected = ((convolved - mean) / (variance + layer.bn.eps).sqrt()).clamp(min=0)
    torch.testing.assert_close(layer(clip), expected)


def row_mean(rows):
    return rows.mean(dim=1).view(1, -1, 1, 1, 1)


def row_variance(rows):
    return rows.var(dim=1, unbiased=False).view(1, -1, 1, 1, 1)


def test_max_pool_is_the_ordinary_one_where_the_window_fits():
    feature_map = torch.randn(2, 3, 5, 7, 6)
    torch.testing.assert_close(max_pool3d(feature_map, (2, 2, 2)), torch.nn.MaxPool3d(2)(feature_map))


def test_max_pool_window_shrinks_to_a_smaller_map():
    feature_map = torch.randn(2, 3, 1, 4, 1)
    torch.testing.assert_close(max_pool3d(feature_map, (2, 2, 2)), feature_map.view(2, 3, 1, 2, 2, 1).amax(dim=4))


def test_scale_channels():
    assert scale_channels((64, 128, 512), 1.0) == [64, 128, 512]
    assert scale_channels((64, 128, 512), 0.25) == [16, 32, 128]
    assert scale_channels((64, 128), 0.3) == [19, 38]


@pytest.mark.parametrize("width", [0.0, -1.0, 0.005])
def test_a_width_that_leaves_no_channels_is_refused(width):
    with pytest.raises(InputError, match=r"width: .* at least 0\.0156"):
        scale_channels((64, 128), width)
