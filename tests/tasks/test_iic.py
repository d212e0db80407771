"""The IIC task: what it computes, on small networks and random clips."""

from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer
from torch import nn
from torch.utils.data import DataLoader

from iic_ptv.errors import InputError
from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.losses.inter_intra_nce import ContrastOutput
from iic_ptv.models import MLPProjection, r3d
from iic_ptv.models.activation_checkpointing import recompute_activations
from iic_ptv.step_parts import FORWARD, FORWARD_NEGATIVE, VIEWS, listening
from iic_ptv.tasks.callbacks import FillBanks
from iic_ptv.tasks.iic import IICTask
from iic_ptv.transforms import RGB, RepeatFrame, Residual, ReverseFrames, ShuffleSegments
from iic_ptv.transforms.flow import FlowChannel

NUM_VIDEOS = 6
SGD = partial(torch.optim.SGD, lr=0.05, momentum=0.9)


def sample(index: int) -> dict:
    generator = torch.Generator().manual_seed(index)
    return {
        "video": torch.rand(3, 8, 16, 16, generator=generator),
        "flow": torch.rand(2, 8, 16, 16, generator=generator),
        "video_index": index,
        "video_name": f"{index}.mp4",
        "label": index % 2,
    }


def loader(batch_size: int = 3) -> DataLoader:
    return DataLoader([sample(index) for index in range(NUM_VIDEOS)], batch_size)


def make_task(
    intra_negative: nn.Module | list[nn.Module] | None = None, feature_dim: int = 32, num_views: int = 2, **options
) -> IICTask:
    torch.manual_seed(0)
    model = options.pop("model", None) or r3d(width=1 / 16)
    kinds = len(intra_negative) if isinstance(intra_negative, list) else intra_negative is not None
    loss = InterIntraNCELoss(
        NUM_VIDEOS,
        feature_dim,
        num_views,
        num_negatives=4,
        intra_negatives=kinds,
        intra_gradient=options.pop("intra_gradient", False),
    )
    return IICTask(model, loss, SGD, intra_negative=intra_negative, **options)


def fit(task: IICTask, epochs: int = 2, batch_size: int = 3, **options) -> None:
    trainer = Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, **options,
    )  # fmt: skip
    trainer.fit(task, loader(batch_size))


def batch_of(indices=range(NUM_VIDEOS)) -> dict:
    return next(iter(DataLoader([sample(index) for index in indices], len(indices))))


class Recorder(nn.Module):
    """A network that keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.seen: list[torch.Tensor] = []

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        self.seen.append(clip)
        return self.weight * clip.flatten(1)[:, :4]


def test_views_are_separate_passes_and_the_intra_negative_is_of_view_1() -> None:
    network = Recorder()
    task = make_task(ReverseFrames(), feature_dim=4, model=network)
    batch = batch_of()
    features, negative = task(batch)
    rgb, residual, reversed_clip = network.seen
    assert torch.equal(rgb, batch["video"])
    assert torch.equal(residual, Residual()(batch["video"]))
    assert torch.equal(reversed_clip, batch["video"].flip(2))
    assert len(features) == 2
    assert all(feature.requires_grad for feature in features)
    assert not negative.requires_grad


def test_the_intra_negative_without_a_graph_gives_what_it_gives_with_one() -> None:
    """Loss, gradients, BatchNorm statistics and banks equal those of a straightforward step that keeps the graph."""
    task, plain = make_task(ReverseFrames()), make_task(ReverseFrames())
    batch = batch_of()

    features, negative = task(batch)
    task.loss(features, negative, batch["video_index"]).loss.backward()

    rgb, residual = batch["video"], Residual()(batch["video"])
    network = plain.network()
    output = plain.loss([network(rgb), network(residual)], network(rgb.flip(2)), batch["video_index"])
    output.loss.backward()

    for ours, theirs in zip(task.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-6)
    for (name, ours), theirs in zip(task.state_dict().items(), plain.state_dict().values(), strict=True):
        assert ours == theirs if isinstance(ours, dict) else torch.allclose(ours, theirs, atol=1e-6), name


def test_of_several_intra_negatives_each_is_a_pass_of_its_own_and_has_a_bank() -> None:
    network = Recorder()
    task = make_task([ReverseFrames(), RepeatFrame()], feature_dim=4, model=network)
    batch = batch_of()
    features, negatives = task(batch, [torch.Generator().manual_seed(seed) for seed in range(NUM_VIDEOS)])
    _, _, reversed_clip, repeated = network.seen
    assert torch.equal(reversed_clip, batch["video"].flip(2))
    assert (repeated == repeated[:, :, :1]).all()
    assert not torch.equal(repeated, batch["video"])
    assert [each.requires_grad for each in negatives] == [False, False]
    task.loss.fill(features, negatives, batch["video_index"])
    for bank, feature in enumerate([*features, *negatives]):
        assert torch.allclose(task.loss.bank.features[bank], nn.functional.normalize(feature), atol=1e-6)


class Heard(list):
    """The parts of a step that began."""

    def begin(self, name: str) -> None:
        self.append(name)

    def end(self, name: str) -> None:
        pass


@pytest.mark.parametrize("kinds", [0, 1, 2])
def test_a_profile_tells_the_pass_of_every_intra_negative(kinds: int) -> None:
    task, heard = make_task([ReverseFrames()] * kinds), Heard()
    with listening(heard):
        task(batch_of())
    assert heard == [VIEWS, FORWARD, *([VIEWS, FORWARD_NEGATIVE] * kinds)]


@pytest.mark.parametrize("checkpointing", [False, True], ids=["kept", "recomputed"])
@pytest.mark.parametrize("kinds", [1, 2])
def test_the_intra_negative_with_a_gradient_gets_the_one_of_a_plain_step(kinds: int, checkpointing: bool) -> None:
    """Parameters, BatchNorm statistics and banks; whether or not activations are computed again."""
    destroy = [ReverseFrames(), ShuffleSegments(8, "permute")][:kinds]
    task, plain = (make_task(destroy, intra_gradient=True) for _ in range(2))
    if checkpointing:
        recompute_activations(task.network())
    batch = batch_of()
    features, negatives = task(batch, torch.Generator().manual_seed(1))
    task.loss(features, negatives, batch["video_index"]).loss.backward()

    network, generator = plain.network(), torch.Generator().manual_seed(1)
    views = [network(batch["video"]), network(Residual()(batch["video"]))]
    expected = [network(each(batch["video"], generator)) for each in destroy]
    plain.loss(views, expected, batch["video_index"]).loss.backward()

    without = make_task(destroy)
    without.loss(*without(batch, torch.Generator().manual_seed(1)), batch["video_index"]).loss.backward()
    for ours, theirs, other in zip(task.parameters(), plain.parameters(), without.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-5)
        assert not torch.allclose(ours.grad, other.grad, atol=1e-5)
    for (name, ours), theirs in zip(task.state_dict().items(), plain.state_dict().values(), strict=True):
        assert ours == theirs if isinstance(ours, dict) else torch.allclose(ours, theirs, atol=1e-6), name


def test_with_a_gradient_views_and_intra_negatives_are_driven_apart() -> None:
    similarity = {}
    for intra_gradient in (False, True):
        task = make_task([RepeatFrame()], intra_gradient=intra_gradient)
        fit(task, epochs=20)
        with torch.no_grad():
            features, negative = task(batch_of(), torch.Generator().manual_seed(1))
        similarity[intra_gradient] = nn.functional.cosine_similarity(features[0], negative).mean()
    assert similarity[True] < similarity[False]


def test_a_network_per_view_trains_each_on_its_view() -> None:
    networks = [Recorder() for _ in range(4)]
    views = [RGB(), Residual(), FlowChannel("u"), FlowChannel("v")]
    task = make_task([ReverseFrames(), RepeatFrame()], feature_dim=4, model=networks, views=views, num_views=4)
    task(batch_of())
    assert [len(network.seen) for network in networks] == [3, 1, 1, 1]  # view 1 and its intra-negatives; other views
    for view, network in zip(views, networks, strict=True):
        assert torch.equal(network.seen[0], view(batch_of()[view.modality_key]))


def test_more_than_two_views_with_flow_from_the_batch() -> None:
    views = [RGB(), Residual(), FlowChannel("u"), FlowChannel("v")]
    task = make_task(ShuffleSegments(), num_views=4, views=views, head=MLPProjection(32, 16, 8), feature_dim=8)
    fit(task, epochs=1)
    with pytest.raises(InputError, match="reads 'flow'"):
        task({"video": torch.rand(2, 3, 8, 16, 16)})


def test_a_list_of_clips_gives_each_view_its_own() -> None:
    network = Recorder()
    task = make_task(feature_dim=4, model=network, views=[RGB(), RGB()])
    first, second = torch.rand(2, 2, 3, 4, 4, 4)
    task({"video": [first, second]})
    assert torch.equal(network.seen[0], first)
    assert torch.equal(network.seen[1], second)


def test_bytes_are_scaled_to_one() -> None:
    network = Recorder()
    task = make_task(feature_dim=4, model=network)
    task({"video": torch.full((2, 3, 4, 4, 4), 255, dtype=torch.uint8)})
    assert (network.seen[0] == 1).all()


def test_training_reduces_the_loss_and_logs_the_diagnostics() -> None:
    task = make_task(RepeatFrame())
    trainer_metrics = []

    def record(outputs, batch, batch_idx):
        trainer_metrics.append({name: float(value) for name, value in task.trainer.callback_metrics.items()})

    task.on_train_batch_end = record
    fit(task, epochs=25)
    first, last = trainer_metrics[0], trainer_metrics[-1]
    assert last["train/loss"] < first["train/loss"]
    assert last["train/positive_probability"] > first["train/positive_probability"]
    assert {"train/intra_probability", "train/intra_similarity", "train/inter_similarity"} <= set(last)


def test_cmc_has_no_intra_metrics() -> None:
    task = make_task(None)
    fit(task, epochs=1)
    assert "train/intra_probability" not in task.trainer.callback_metrics


def test_training_is_a_function_of_the_seed() -> None:
    states = []
    for seed in (1, 1, 2):
        task = make_task(RepeatFrame(), seed=seed)
        fit(task)
        states.append(task.loss.bank.features.clone())
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


class Apart(nn.Module):
    """How far two views are apart: a loss without memory."""

    def forward(self, views, intra_negative, index) -> ContrastOutput:
        return ContrastOutput((views[0] - views[1]).square().mean(), {})


def test_accumulated_halves_make_the_step_of_the_whole_batch() -> None:
    weights = []
    for batch_size, accumulate in ((6, 1), (3, 2)):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv3d(3, 4, 3, stride=2), nn.Tanh(), nn.AdaptiveAvgPool3d(1), nn.Flatten())
        task = IICTask(network, Apart(), SGD)
        fit(task, epochs=3, batch_size=batch_size, accumulate_grad_batches=accumulate)
        assert task.trainer.global_step == 3
        weights.append(network[0].weight.detach())
    torch.testing.assert_close(weights[1], weights[0], rtol=1e-5, atol=1e-7)


def test_filled_banks_hold_the_features_of_the_first_pass() -> None:
    task = make_task(ReverseFrames())
    expected = make_task(ReverseFrames())
    batch = batch_of()
    with torch.no_grad():
        features, negative = expected(batch)
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, max_epochs=1)
    trainer.strategy.connect(task)
    FillBanks(lambda: [batch_of()]).on_fit_start(trainer, task)
    for bank, feature in enumerate([*features, negative]):
        assert torch.allclose(task.loss.bank.features[bank], nn.functional.normalize(feature), atol=1e-5)


class RecordingRepeat(RepeatFrame):
    """Repeated frames, written down."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[torch.Tensor] = []

    def forward(self, clip: torch.Tensor, generator=None) -> torch.Tensor:
        self.made.append(super().forward(clip, generator))
        return self.made[-1]


@pytest.mark.parametrize("clips_per_video", [1, 2])
def test_intra_negatives_hang_on_the_clip_and_not_on_its_batch(clips_per_video: int) -> None:
    recording = RecordingRepeat()
    task = make_task(recording, seed=3)
    orders = [0, 1, 2, 3, 4, 5], [4, 2, 0, 5, 3, 1]
    for order in orders:
        seeds = [100 + index for index in order]
        batch = {**batch_of(order), "augmentation_seed": seeds}
        if clips_per_video == 2:
            batch |= {"video": [batch["video"]] * 2, "augmentation_seed": [seeds, [0] * len(order)]}
        task.fill_banks(batch)
    first, second = recording.made
    assert torch.equal(first[orders[1]], second)
    assert len({clip.tobytes() for clip in first.numpy()}) == NUM_VIDEOS


def test_an_index_outside_the_banks_is_told_before_the_step() -> None:
    task = make_task()
    with pytest.raises(InputError, match="outside the memory banks of 6 videos"):
        task.on_before_batch_transfer({"video_index": torch.tensor([0, 6])}, 0)


def test_one_network_or_one_per_view() -> None:
    with pytest.raises(InputError, match="one for each of the 2"):
        make_task(model=[Recorder(), Recorder(), Recorder()], feature_dim=4)
