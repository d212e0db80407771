import re

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
        name = re.sub(rf"(\d)\.conv{branch}\.", rf"\1.conv{branch}.0.", name)
        name = re.sub(rf"(\d)\.bn{branch}\.", rf"\1.conv{branch}.1.", name)
    return name


@pytest.mark.parametrize(("blocks", "training"), [([1, 1, 1, 1], True), ([1, 1, 1, 1], False), ([2, 1, 3, 1], False)])
def test_computes_what_torchvision_computes_with_as_many_blocks_per_stage(blocks, training):
    network = r3d(blocks=blocks)
    reference = torchvision_resnet.VideoResNet(
        torchvision_resnet.BasicBlock,
        [torchvision_resnet.Conv3DSimple] * 4,
        layers=blocks,
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


def test_stages_of_several_blocks():
    with torch.device("meta"):
        state, plain = r3d(blocks=[1, 3, 1, 2]).state_dict(), r3d().state_dict()
        assert r3d(blocks=(3, 4, 6, 3)).feature_map(torch.empty(1, 3, 16, 112, 112)).shape == (1, 512, 2, 7, 7)
    further = {name.rpartition(".bn1")[0] for name in state.keys() - plain.keys() if ".bn1." in name}
    assert further == {"layer2.1", "layer2.2", "layer4.1"}
    assert plain.keys() <= state.keys()
    assert not any("downsample" in name for name in state.keys() - plain.keys())


def test_one_block_a_stage_is_the_default():
    networks = []
    for options in ({}, {"blocks": [1, 1, 1, 1]}):
        torch.manual_seed(0)
        networks.append(r3d(width=1 / 16, **options).state_dict())
    assert list(networks[0]) == list(networks[1])
    assert all(torch.equal(networks[0][name], value) for name, value in networks[1].items())


@pytest.mark.parametrize("blocks", [[1, 1, 1], [1, 1, 1, 0], [1, 1, 1.5, 1], [1, 1, 1, 1, 1]])
def test_other_numbers_of_blocks_are_refused(blocks):
    with pytest.raises(InputError, match=r"blocks: expected how many each of the four stages has"):
        r3d(blocks=blocks)
