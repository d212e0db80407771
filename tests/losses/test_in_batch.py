"""The loss within a batch against a slow reference in float64, NT-Xent, closed forms and other processes."""

import math

import pytest
import torch
import torch.nn.functional as F
from reference import unit
from together import run_together
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from iic_ptv.errors import InputError
from iic_ptv.losses import InBatchLoss

N, D, B = 20, 6, 5
WORLD = 2


def make(num_views: int = 2, intra: int = 1, dtype=torch.float64, size: int = B, **options):
    generator = torch.Generator().manual_seed(0)
    loss = InBatchLoss(N, D, num_views=num_views, intra_negatives=intra, **options)
    features = 2 * torch.randn(num_views + intra, size, D, generator=generator, dtype=dtype)
    views, negatives = [
        [part.clone().requires_grad_() for part in kinds] for kinds in features.split([num_views, intra])
    ]
    return loss, views, negatives


def reference(views, negatives, temperature):
    """Loops over clips and pairs of views."""
    total = torch.zeros((), dtype=torch.float64)
    clips, pairs = range(len(views[0])), [(a, b) for a in range(len(views)) for b in range(len(views)) if a != b]
    for i in clips:
        for a, b in pairs:
            anchor = unit(views[a][i])
            positive = (anchor @ unit(views[b][i]) / temperature).exp()
            others = sum((anchor @ unit(view[j]) / temperature).exp() for view in views for j in clips if j != i)
            intra = sum((anchor @ unit(negative[j]) / temperature).exp() for negative in negatives for j in clips)
            total = total - torch.log(positive / (positive + others + intra)) / (len(clips) * len(pairs))
    return total


@pytest.mark.parametrize("temperature", [0.1, 0.5])
@pytest.mark.parametrize("intra", [0, 1, 2])
@pytest.mark.parametrize("num_views", [2, 3])
def test_loss_and_all_gradients(num_views, intra, temperature) -> None:
    loss, views, negatives = make(num_views, intra, temperature=temperature)
    result = loss(views, negatives or None, torch.arange(B)).loss
    expected = reference(views, negatives, temperature)
    assert torch.allclose(result, expected, rtol=1e-12)
    ours = torch.autograd.grad(result, [*views, *negatives])
    for gradient, theirs in zip(ours, torch.autograd.grad(expected, [*views, *negatives]), strict=True):
        assert torch.allclose(gradient, theirs, rtol=1e-9, atol=1e-12)
        assert (gradient != 0).any(dim=1).all()


def test_two_views_without_intra_negatives_are_nt_xent() -> None:
    """As SimCLR has it: of 2 B rows, each is to find its other half among all others."""
    loss, views, _ = make(intra=0, temperature=0.5)
    rows = F.normalize(torch.cat(views), dim=1)
    logits = (rows @ rows.T / 0.5).fill_diagonal_(-math.inf)
    expected = F.cross_entropy(logits, torch.arange(2 * B).roll(B))
    assert torch.allclose(loss(views, None, torch.arange(B)).loss, expected, rtol=1e-12)


def test_orthogonal_clips_and_intra_negatives_give_the_closed_form() -> None:
    """The positive has similarity 1, the 2 (B - 1) views of other clips and all B intra-negatives 0."""
    loss = InBatchLoss(N, 2 * B, temperature=0.2)
    clips, negatives = 3 * torch.eye(2 * B)[:B], 5 * torch.eye(2 * B)[B:]
    output = loss([clips, 2 * clips], negatives, torch.arange(B))
    columns = 2 * (B - 1) + B
    assert math.isclose(float(output.loss), math.log(1 + columns * math.exp(-1 / 0.2)), rel_tol=1e-5)
    metrics = {name: float(value) for name, value in output.metrics.items()}
    assert math.isclose(metrics["positive_similarity"], 1, rel_tol=1e-5)
    assert metrics["inter_similarity"] == metrics["intra_similarity"] == 0


def test_metrics_of_intra_negatives_are_of_the_own_ones() -> None:
    loss = InBatchLoss(N, B + 1, temperature=0.1)
    clips = torch.eye(B + 1)[:B]
    aside = torch.eye(B + 1)[B].expand(B, -1)
    metrics = loss([clips, aside], clips, torch.arange(B)).metrics
    assert math.isclose(float(metrics["intra_similarity"]), 0.5, rel_tol=1e-5)  # 1 for view 1, 0 for view 2
    # For view 2, the other clips' view 2 are as near as nothing else but the positive, with 0.
    of_view_1 = math.exp(10) / (math.exp(10) + 1 + 2 * (B - 1) + B - 1)
    of_view_2 = 1 / (1 + (B - 1) * math.exp(10) + (B - 1) + B)
    assert math.isclose(float(metrics["intra_probability"]), (of_view_1 + of_view_2) / 2, rel_tol=1e-4)


def test_the_order_of_clips_means_nothing() -> None:
    loss, views, negatives = make()
    order = torch.randperm(B)
    given = loss(views, negatives, torch.arange(B))
    again = loss([view[order] for view in views], [each[order] for each in negatives], order)
    assert torch.allclose(given.loss, again.loss, rtol=1e-12)
    for name, value in given.metrics.items():
        assert torch.allclose(value, again.metrics[name], rtol=1e-12), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_features_of_any_precision_give_a_float32_loss(dtype) -> None:
    loss, views, negatives = make(dtype=torch.float32)
    rounded = [feature.detach().to(dtype) for feature in (*views, *negatives)]
    expected = loss([each.double() for each in rounded[:2]], rounded[2].double(), torch.arange(B)).loss
    given = [each.clone().requires_grad_() for each in rounded]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = loss(given[:2], given[2], torch.arange(B)).loss
    assert result.dtype == torch.float32
    assert torch.allclose(result.double(), expected, rtol=1e-5)
    result.backward()
    assert all(torch.isfinite(each.grad).all() and each.grad.dtype == dtype for each in given)


def test_a_single_clip_has_only_its_intra_negative() -> None:
    loss, views, negatives = make(size=1)
    output = loss(views, negatives, torch.arange(1))
    assert torch.allclose(output.loss, reference(views, negatives, 0.07), rtol=1e-12)
    assert "inter_similarity" not in output.metrics
    alone = InBatchLoss(N, D, intra_negatives=False)(views, None, torch.arange(1)).loss
    alone.backward()
    assert alone == 0
    assert all((view.grad == 0).all() for view in views)


def test_wrong_input_is_refused() -> None:
    loss, views, negatives = make()
    index = torch.arange(B)
    for call, message in [
        (lambda: loss(views[:1], negatives, index), "views: this loss was built for 2"),
        (lambda: loss(views, None, index), "intra_negative: this loss was built for 1"),
        (lambda: loss([views[0], views[1][:2]], negatives, index), r"views\[1\]: expected .*\(5, 6\), got \(2, 6\)"),
        (lambda: loss(views, negatives[0][:, :2], index), r"intra_negative\[0\]"),
        (lambda: InBatchLoss(N, D, num_views=1), "num_views"),
        (lambda: InBatchLoss(N, D, intra_negatives=-1), "intra_negatives"),
    ]:
        with pytest.raises(InputError, match=message):
            call()


class Embedded(nn.Module):
    """A network and the loss of what it makes of clips, as a training step has them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.network = nn.Linear(D, D, dtype=torch.float64)
        self.loss = InBatchLoss(N, D)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        *views, negative = self.network(clips)
        return self.loss(views, negative, torch.arange(clips.shape[1])).loss


def joint_clips() -> torch.Tensor:
    return torch.randn(3, WORLD * B, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def train_together(rank: int) -> dict[str, torch.Tensor]:
    module = DistributedDataParallel(Embedded())
    clips = joint_clips()[:, rank * B : (rank + 1) * B]
    loss = module(clips)
    loss.backward()
    return {"loss": loss.detach(), "gradient": module.module.network.weight.grad}


def test_processes_contrast_their_joint_batch(tmp_path) -> None:
    alone = Embedded()
    expected = alone(joint_clips())
    expected.backward()
    ranks = run_together(train_together, WORLD, tmp_path)
    losses = torch.stack([rank["loss"] for rank in ranks])
    assert losses[0] != losses[1]
    assert torch.allclose(losses.mean(), expected, rtol=1e-12)
    for rank in ranks:
        assert torch.allclose(rank["gradient"], alone.network.weight.grad, rtol=1e-9, atol=1e-12)
