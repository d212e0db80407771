import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from iic_ptv.errors import InputError
from iic_ptv.evaluation.features import VideoFeatures, extract_features, extract_view_features, join
from iic_ptv.registry import BACKBONES

VIDEOS, CLIPS = 7, 3


class SmallNetwork(nn.Module):
    """With the two layers whose behaviour depends on the mode and on the batch when training."""

    def __init__(self, in_channels=3):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv3d(in_channels, 4, 3, padding=1), nn.BatchNorm3d(4), nn.Dropout(0.5))

    def forward(self, clip):
        return self.layers(clip).relu().mean(dim=(2, 3, 4))


class Negative(nn.Module):
    def forward(self, clip):
        return 1 - clip


class Flow(nn.Module):
    modality_key = "flow"

    def forward(self, flow):
        return flow


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = SmallNetwork()
    network(torch.rand(4, 3, 4, 6, 6))  # running statistics that are not the initial ones
    return network


@pytest.fixture
def samples():
    generator = torch.Generator().manual_seed(1)
    return [
        {
            "video": torch.rand(CLIPS, 3, 4, 6, 6, generator=generator),
            "flow": torch.rand(CLIPS, 2, 4, 6, 6, generator=generator),
            "label": i % 3,
            "video_name": f"{i}.mp4",
        }
        for i in range(VIDEOS)
    ]


def reference(network, samples, view=lambda clip: clip, key="video"):
    """One clip at a time."""
    network.eval()
    with torch.no_grad():
        features = [torch.stack([network(view(clip[None]))[0] for clip in s[key]]).mean(0) for s in samples]
    network.train()
    return torch.stack(features)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 16])
def test_is_the_mean_over_clips_whatever_the_batch_size(network, samples, batch_size):
    result = extract_features(network, DataLoader(samples, batch_size=batch_size))
    torch.testing.assert_close(result.features, reference(network, samples))
    assert result.labels.tolist() == [i % 3 for i in range(VIDEOS)]
    assert result.labels.dtype == torch.long
    assert result.names == [f"{i}.mp4" for i in range(VIDEOS)]
    assert len(result) == VIDEOS


def test_one_clip_per_video_needs_no_clip_axis(network, samples):
    single = [sample | {"video": sample["video"][0]} for sample in samples]
    expected = reference(network, [sample | {"video": sample["video"][:1]} for sample in samples])
    torch.testing.assert_close(extract_features(network, DataLoader(single, batch_size=3)).features, expected)


def test_the_view_is_what_the_network_sees(network, samples):
    result = extract_features(network, DataLoader(samples, batch_size=3), view=Negative())
    torch.testing.assert_close(result.features, reference(network, samples, Negative()))


def test_several_views_come_from_one_pass(network, samples):
    batches = iter(DataLoader(samples, batch_size=2))  # can be read once only
    result = extract_view_features(network, batches, {"rgb": nn.Identity(), "negative": Negative()})
    torch.testing.assert_close(result["rgb"].features, reference(network, samples))
    torch.testing.assert_close(result["negative"].features, reference(network, samples, Negative()))


@pytest.mark.parametrize("container", [dict, nn.ModuleDict])
def test_a_network_per_view_and_a_view_that_reads_another_modality(network, samples, container):
    networks = container({"rgb": network, "flow": SmallNetwork(in_channels=2)})
    loader = DataLoader(samples, batch_size=2)
    result = extract_view_features(networks, loader, {"rgb": nn.Identity(), "flow": Flow()})
    torch.testing.assert_close(result["rgb"].features, reference(network, samples))
    torch.testing.assert_close(result["flow"].features, reference(networks["flow"], samples, key="flow"))


def test_the_network_is_left_as_it_was(network, samples):
    network.train()
    network.layers[1].eval()  # a frozen BatchNorm
    before = {name: value.clone() for name, value in network.state_dict().items()}
    extract_features(network, DataLoader(samples, batch_size=2))
    assert [module.training for module in network.modules()] == [True, True, True, False, True]
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_mode_is_restored_when_a_batch_fails(network):
    with pytest.raises(InputError):
        extract_features(network, [{"video": torch.rand(2, 3)}])
    assert all(module.training for module in network.modules())


def test_a_probe_can_be_trained_on_the_features(network, samples):
    """Tensors of inference mode could not take part in this."""
    result = extract_features(network, DataLoader(samples, batch_size=VIDEOS))
    probe = nn.Linear(4, 3)
    nn.functional.cross_entropy(probe(result.features), result.labels).backward()
    assert probe.weight.grad.abs().sum() > 0


def test_half_precision_features_are_averaged_in_float32(samples):
    class HalfNetwork(nn.Module):
        def forward(self, clip):
            return clip.mean(dim=(2, 3, 4)).bfloat16()

    result = extract_features(HalfNetwork(), DataLoader(samples, batch_size=2))
    expected = torch.stack([s["video"].mean(dim=(2, 3, 4)).bfloat16().float().mean(0) for s in samples])
    torch.testing.assert_close(result.features, expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu(network, samples):
    expected = reference(network, samples)
    result = extract_features(network, DataLoader(samples, batch_size=2), device="cuda")
    assert result.features.device.type == "cpu"
    torch.testing.assert_close(result.features, expected, atol=1e-3, rtol=1e-3)


def test_progress_is_shown_on_demand(network, samples, capsys):
    extract_features(network, DataLoader(samples, batch_size=2))
    assert capsys.readouterr().err == ""
    extract_features(network, DataLoader(samples, batch_size=2), progress=True)
    assert "extracting features" in capsys.readouterr().err


def test_unusable_input_is_refused(network, samples):
    loader = DataLoader(samples, batch_size=2)
    with pytest.raises(InputError, match="no videos"):
        extract_features(network, [])
    with pytest.raises(InputError, match="uint8"):
        extract_features(network, [{"video": torch.zeros(2, 3, 4, 6, 6, dtype=torch.uint8)}])
    with pytest.raises(InputError, match="no network for the view 'flow', only for rgb"):
        extract_view_features({"rgb": network}, loader, {"flow": Flow()})
    with pytest.raises(InputError, match="no entry 'flow'"):
        extract_features(network, [{"video": torch.rand(2, 3, 4, 6, 6)}], view=Flow())


@pytest.fixture
def two_views():
    generator = torch.Generator().manual_seed(2)
    labels, names = torch.arange(5), [f"{i}.mp4" for i in range(5)]
    return [VideoFeatures(torch.randn(5, d, generator=generator), labels, names) for d in (3, 4)]


def cosines(features):
    return torch.cosine_similarity(features[:, None], features[None], dim=2)


def test_join_concatenates(two_views):
    joint = join(two_views)
    assert torch.equal(joint.features, torch.cat([view.features for view in two_views], dim=1))
    assert torch.equal(joint.labels, two_views[0].labels)
    assert joint.names == two_views[0].names


def test_joint_cosine_of_normalised_views_is_the_mean_of_theirs(two_views):
    joint = join(two_views, normalise_each=True)
    expected = (cosines(two_views[0].features) + cosines(two_views[1].features)) / 2
    torch.testing.assert_close(cosines(joint.features), expected)


def test_plain_joint_cosine_follows_the_view_with_the_larger_features(two_views):
    small, large = two_views
    large = VideoFeatures(large.features * 1e4, large.labels, large.names)
    torch.testing.assert_close(cosines(join([small, large]).features), cosines(large.features), atol=1e-6, rtol=0)


def test_join_refuses_views_of_different_videos(two_views):
    first, second = two_views
    with pytest.raises(InputError, match="same videos in the same order"):
        join([first, VideoFeatures(second.features, second.labels, second.names[::-1])])


@pytest.mark.parametrize("backbone", ["r3d", "r2plus1d", "c3d"])
def test_features_are_the_same_to_the_bit_however_the_videos_are_batched(backbone):
    torch.manual_seed(0)
    network = BACKBONES.get(backbone)(width=0.125)
    samples = [{"video": torch.rand(3, 3, 8, 32, 32), "label": 0, "video_name": str(i)} for i in range(9)]
    found = [
        extract_features(network, DataLoader(samples, batch_size=size)).features  # type: ignore[arg-type]
        for size in (1, 2, 4, 9)
    ]
    assert all(torch.equal(features, found[0]) for features in found[1:])
