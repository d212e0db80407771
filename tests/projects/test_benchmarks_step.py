"""The reference that speed is compared with computes what ours computes; and what the benchmarks write."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.models import r3d
from iic_ptv.tasks.iic import IICTask
from iic_ptv.transforms.repeat_frame import RepeatFrame
from projects.benchmarks import loss as loss_section
from projects.benchmarks import step as step_section
from projects.benchmarks.losses import OURS, REFERENCE, Sizes
from projects.benchmarks.reference_step import ReferenceLoss, reference_features
from projects.benchmarks.steps import BFLOAT16, FLOAT32, Work

pytestmark = pytest.mark.slow

B, N, K = 3, 20, 12
TINY = Work(batch=2, frames=8, side=16, num_videos=50, num_negatives=8, width=0.125)


class FixedFrames(RepeatFrame):
    """Repeats given frames."""

    def __init__(self, frames: list[int]) -> None:
        super().__init__()
        self.frames = frames

    def forward(self, clip: Tensor, generator: object = None) -> Tensor:
        chosen = torch.stack([clip[number, :, frame] for number, frame in enumerate(self.frames)])
        return chosen.unsqueeze(2).expand_as(clip)


def both(normalize: bool, bfloat16: bool = False) -> list[tuple[Tensor, list[Tensor], Tensor, dict[str, Tensor]]]:
    """Loss, gradients, banks and buffers of the reference and of ours after two steps on the same draws."""
    results = []
    for ours in (False, True):
        torch.manual_seed(0)
        network, clips = r3d(width=0.125), torch.rand(2, B, 3, 8, 32, 32)
        reference = ReferenceLoss(N, network.feature_dim, K, normalize=normalize)
        loss = InterIntraNCELoss(N, network.feature_dim, num_negatives=K, normalize=normalize)
        loss.bank.features.copy_(torch.stack([reference.bank_1, reference.bank_2, reference.bank_n]))
        frames, index = [3, 0, 7], torch.tensor([4, 19, 2])
        task = IICTask(
            network.to(memory_format=torch.channels_last_3d), loss, torch.optim.SGD, intra_negative=FixedFrames(frames)
        )
        for clip, negative_index in zip(clips, torch.randint(N, (2, B, K)), strict=True):
            network.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16 and ours):
                if ours:
                    features, negative = task({"video": clip})
                    value = loss(features, negative, index, negative_index).loss
                else:
                    value = reference(*reference_features(network, clip, frames), index, negative_index)
            value.backward()
        banks = loss.bank.features if ours else torch.stack([reference.bank_1, reference.bank_2, reference.bank_n])
        gradients = [parameter.grad.clone() for parameter in network.parameters()]
        results.append((value.detach(), gradients, banks, dict(network.named_buffers())))
    return results


@pytest.mark.parametrize("normalize", [True, False])
def test_ours_computes_what_the_reference_computes(normalize) -> None:
    (expected, theirs, banks, buffers), (value, ours, our_banks, our_buffers) = both(normalize)
    assert torch.allclose(value, expected, rtol=1e-5)
    joint, our_joint = (torch.cat([each.flatten() for each in gradients]) for gradients in (theirs, ours))
    assert (our_joint - joint).norm() < 1e-5 * joint.norm()
    assert torch.allclose(our_banks, banks, atol=1e-5)
    for name, buffer in buffers.items():  # the statistics of BatchNorm see all three passes
        assert torch.allclose(our_buffers[name].float(), buffer.float(), rtol=1e-4, atol=1e-6)


def test_bfloat16_computes_it_up_to_rounding() -> None:
    """The features of an untrained network are nearly alike: the gradient is one of small differences of them."""
    (expected, theirs, *_), (value, ours, *_) = both(normalize=True, bfloat16=True)
    joint, our_joint = (torch.cat([each.flatten() for each in gradients]) for gradients in (theirs, ours))
    assert torch.allclose(value, expected, rtol=0.02)
    assert torch.cosine_similarity(our_joint, joint, dim=0) > 0.9


def test_step_section(tmp_path) -> None:
    results = step_section.measure(tmp_path, TINY, rounds=1, steps=1)
    assert all(each["seconds"] > 0 and 0 < each["convolutions"] < 1 for each in results["contenders"].values())
    graph = {name: each["graph_mb"] for name, each in results["contenders"].items()}
    assert graph[REFERENCE] / graph[FLOAT32] == pytest.approx(1.5, rel=0.1)  # three passes with a graph, or two
    (table,) = step_section.tables(results)
    assert [row[0] for row in table.rows] == [step_section.REFERENCE, FLOAT32, BFLOAT16]
    assert set(step_section.ratios(results)) == {
        f"{name}: {what}"
        for name in (FLOAT32, BFLOAT16)
        for what in ("times as fast", "times less for the graph", "times less memory", "share of convolutions")
    }


def test_loss_section(tmp_path) -> None:
    sizes = Sizes(16, 4000, 5000, 64)
    results = loss_section.measure(tmp_path, sizes, rounds=1, steps=1, ways_of=[sizes, Sizes(4, 5, 40_000, 16)])
    errors = {name: each["gradient_error"] for name, each in results["contenders"].items()}
    assert errors[OURS] < 1e-6
    assert errors[REFERENCE] < 1e-5
    assert 1e-4 < errors["ours, banks in bfloat16"] < 1e-2
    assert results["contenders"]["ours, banks in float16"]["banks_mb"] == pytest.approx(
        results["contenders"][OURS]["banks_mb"] / 2, rel=0.01
    )
    assert [each["takes_product"] for each in results["ways"]] == [True, False]
    contenders, ways = loss_section.tables(results)
    assert len(contenders.rows) == 4
    assert [row[-1] for row in ways.rows] == ["product", "rows"]
