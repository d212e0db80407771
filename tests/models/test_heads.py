import torch

from iic_ptv.models import MLPProjection


def test_projection_is_linear_relu_linear():
    head = MLPProjection(in_features=6, hidden_features=5, out_features=4)
    features = torch.randn(3, 6)
    first, second = (head.get_submodule(index) for index in "02")
    hidden = (features @ first.weight.T + first.bias).clamp(min=0)
    torch.testing.assert_close(head(features), hidden @ second.weight.T + second.bias)
    assert head.out_features == 4


def test_parameter_count_of_the_second_version():
    head = MLPProjection(512, 512, 128)
    assert sum(parameter.numel() for parameter in head.parameters()) == 512 * 512 + 512 + 512 * 128 + 128
