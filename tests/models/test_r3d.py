import pytest
import torch
from torch import nn
from torchvision.models.video import resnet as torchvision_resnet

from iic_ptv.errors import InputError
from iic_ptv.models import r3d


def num_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameter_count():
    with torch.device("meta"):
        assert num_parameters(r3d()) == 14_361_792
        assert num_parameters(r3d(num_classes=101)) == 14_361_792 + 512 * 101 + 101


def test_shapes_at_the_clip_size_of_the_paper():
    with torch.device("meta"):
        network, clip = r3d(), torch.empty(2, 3, 16, 112, 112)
        assert network.feature_map(clip).shape == (2, 512, 2, 7, 7)
        assert network(clip).shape == (2, 512)
        network.features = "map"
        assert network(clip).shape == (2, 9216)


def test_state_dict_names():
    with torch.device("meta"):
        names = r3d().state_dict().keys()
    assert {"stem.conv.weight", "stem.bn.running_mean", "layer1.0.conv1.weight", "layer1.0.bn1.weight"} <= names
    assert {"layer2.0.downsample.0.weight", "layer2.0.downsample.1.bias", "layer4.0.conv2.weight"} <= names
    assert not any(name.startswith("layer1.0.downsample") for name in names)


def torchvision_name(name: str) -> str:
    """The name that a weight of ours has in torchvision's VideoResNet."""
    for ours, theirs in {"stem.conv": "stem.0", "stem.bn": "stem.1"}.items():
        name = name.replace(ours, theirs)
    for branch in ("1", "2"):
        name = name.replace(f"0.conv{branch}.", f"0.conv{branch}.0.").replace(f"0.bn{branch}.", f"0.conv{branch}.1.")
    return name


@pytest.mark.parametrize("training", [True, False])
def test_computes_what_torchvision_computes_with_one_block_per_stage(training):
    network = r3d()
    reference = torchvision_resnet.VideoResNet(
        torchvision_resnet.BasicBlock,
        [torchvision_resnet.Conv3DSimple] * 4,
        layers=[1, 1, 1, 1],
        stem=torchvision_resnet.BasicStem,
    )
    reference.fc = nn.Identity()
    reference.load_state_dict({torchvision_name(name): value for name, value in network.state_dict().items()})
    clip = torch.rand(2, 3, 9, 40, 36)
    with torch.no_grad():
        torch.testing.assert_close(network.train(training)(clip), reference.train(training)(clip))


def test_width_scales_every_stage():
    with torch.device("meta"):
        network = r3d(width=0.25)
    convolutions = [module.out_channels for module in network.modules() if isinstance(module, nn.Conv3d)]
    assert network.feature_dim == 128
    assert sorted(set(convolutions)) == [16, 32, 64, 128]


def test_too_small_a_width_is_refused():
    with pytest.raises(InputError, match="width"):
        r3d(width=0.001)
