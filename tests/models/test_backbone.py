"""The contract of Backbone, by a small network of our own and by every registered backbone."""

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from iic_ptv.errors import InputError
from iic_ptv.models.backbone import Backbone
from iic_ptv.registry import BACKBONES

NUM_CLASSES = 5


class Identity(Backbone):
    """Its feature map is the clip."""

    def feature_map(self, clip: Tensor) -> Tensor:
        return clip


@pytest.fixture(scope="module", params=BACKBONES.names())
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def built(name) -> Backbone:
    torch.manual_seed(0)
    return BACKBONES.get(name)()


@pytest.fixture
def backbone(built) -> Backbone:
    """The network that the tests of one name share, as it was when it was built."""
    built.features = "pooled"
    built.zero_grad()
    return built.eval()


def small_clips() -> Tensor:
    return torch.rand(2, 3, 8, 32, 32, generator=torch.Generator().manual_seed(1))


def on_meta(name: str, **options) -> Backbone:
    """Build a backbone without paying for its weights."""
    with torch.device("meta"):
        return BACKBONES.get(name)(**options)


def test_pooled_features_are_the_mean_over_time_and_space():
    clip = torch.rand(2, 4, 3, 5, 6)
    torch.testing.assert_close(Identity(feature_dim=4)(clip), clip.flatten(2).mean(dim=2))


def test_classifier_reads_the_pooled_features():
    network = Identity(feature_dim=4, num_classes=NUM_CLASSES)
    clip = torch.rand(2, 4, 3, 5, 6)
    torch.testing.assert_close(network(clip), network.classifier(clip.flatten(2).mean(dim=2)))


def test_map_features_are_maxima_over_two_by_two_and_drop_the_odd_row_and_column():
    clip = torch.arange(2 * 7 * 7.0).reshape(1, 1, 2, 7, 7)
    expected = [frame * 49 + row * 7 + column for frame in (0, 1) for row in (1, 3, 5) for column in (1, 3, 5)]
    assert Identity(feature_dim=1, features="map")(clip).tolist() == [expected]


@pytest.mark.parametrize(("size", "pooled_size"), [((1, 1, 1), 1), ((3, 1, 2), 3), ((2, 2, 1), 2), ((1, 2, 2), 1)])
def test_map_features_of_maps_smaller_than_the_window(size, pooled_size):
    assert Identity(feature_dim=4, features="map")(torch.rand(2, 4, *size)).shape == (2, 4 * pooled_size)


def test_features_switch_in_place():
    network = Identity(feature_dim=4)
    clip = torch.rand(2, 4, 2, 4, 4)
    pooled = network(clip)
    network.features = "map"
    assert network(clip).shape == (2, 4 * 2 * 2 * 2)
    network.features = "pooled"
    torch.testing.assert_close(network(clip), pooled)


def test_unknown_features_are_refused_with_the_valid_ones():
    with pytest.raises(InputError, match=r"'maps'.*pooled, map"):
        Identity(feature_dim=4, features="maps")
    network = Identity(feature_dim=4)
    with pytest.raises(InputError, match="pooled, map"):
        network.features = "flat"


def test_map_features_and_a_classifier_exclude_each_other():
    with pytest.raises(InputError, match="num_classes"):
        Identity(feature_dim=4, num_classes=NUM_CLASSES, features="map")
    network = Identity(feature_dim=4, num_classes=NUM_CLASSES)
    with pytest.raises(InputError, match="num_classes"):
        network.features = "map"


def test_a_clip_without_its_batch_is_refused():
    with pytest.raises(InputError, match=r"\(B, C, T, H, W\), not \(3, 8, 32, 32\)"):
        Identity(feature_dim=3)(torch.rand(3, 8, 32, 32))


def test_pooled_features_have_the_promised_width(backbone):
    with torch.no_grad():
        features = backbone(small_clips())
    assert features.shape == (2, backbone.feature_dim)
    assert features.isfinite().all()


def test_map_features_are_the_flattened_map(backbone):
    backbone.features = "map"
    with torch.no_grad():
        features = backbone(small_clips())
        height, width = backbone.feature_map(small_clips()).shape[-2:]
        frames_and_channels = backbone.feature_map(small_clips()).shape[1:3].numel()
    assert features.shape == (2, frames_and_channels * max(1, height // 2) * max(1, width // 2))


def test_clips_smaller_than_the_strides_still_have_features(backbone):
    clips = torch.rand(2, 3, 2, 16, 16)
    with torch.no_grad():
        assert backbone(clips).shape == (2, backbone.feature_dim)
        backbone.features = "map"
        assert backbone(clips).shape[0] == 2


def test_num_classes_adds_a_classifier_and_nothing_else(name, backbone):
    classifier = on_meta(name, num_classes=NUM_CLASSES)
    assert classifier(small_clips().to("meta")).shape == (2, NUM_CLASSES)
    assert classifier.state_dict().keys() - backbone.state_dict().keys() == {"classifier.weight", "classifier.bias"}


def test_other_numbers_of_channels(name):
    flow = on_meta(name, in_channels=2)
    assert flow(torch.rand(2, 2, 8, 32, 32, device="meta")).shape == (2, flow.feature_dim)


def test_state_dict_round_trip(name, backbone):
    restored = on_meta(name)
    restored.load_state_dict({key: value.clone() for key, value in backbone.state_dict().items()}, assign=True)
    with torch.no_grad():
        torch.testing.assert_close(restored.eval()(small_clips()), backbone(small_clips()))


def test_in_evaluation_a_clip_does_not_see_the_others_of_its_batch(backbone):
    clips = small_clips()
    with torch.no_grad():
        together, alone = backbone(clips), backbone(clips[:1])
        other_company = backbone(torch.stack([clips[0], torch.zeros_like(clips[0])]))
    torch.testing.assert_close(together[:1], alone, rtol=1e-4, atol=1e-5 * alone.abs().max().item())
    torch.testing.assert_close(together[0], other_company[0], rtol=1e-4, atol=1e-5 * alone.abs().max().item())


def test_gradient_reaches_every_parameter(backbone):
    with torch.no_grad():  # PyTorchVideo starts the last BatchNorm of a block at 0, which shuts the block off
        for module in backbone.modules():
            if isinstance(module, nn.BatchNorm3d):
                module.weight.fill_(1.0)
    features = backbone(small_clips())
    (features * torch.randn(features.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    without = [name for name, parameter in backbone.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert without == []


def test_a_backbone_is_had_from_the_registry_alone_without_heavy_imports():
    script = (
        "import sys\n"
        "from iic_ptv.registry import BACKBONES\n"
        "assert BACKBONES.get('r3d')().feature_dim == 512\n"
        "print([name for name in ('torchvision', 'pytorchvideo') if name in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
