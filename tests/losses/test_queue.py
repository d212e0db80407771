"""The loss with queues against a slow reference in float64, closed forms, a queue of Python's and other processes."""

import math
from collections import deque

import pytest
import torch
import torch.nn.functional as F
from reference import chance_level, unit
from together import run_together

from iic_ptv.errors import InputError
from iic_ptv.losses import QueueLoss

N, D, B, K = 20, 6, 5, 7
WORLD = 2


def make(num_views: int = 2, intra: int = 1, length: int = K, **options):
    torch.manual_seed(0)
    loss = QueueLoss(N, D, num_views, num_negatives=length, intra_negatives=intra, **options)
    return loss, *batch(num_views, intra, seed=1)


def batch(num_views: int = 2, intra: int = 1, seed: int = 1, size: int = B):
    generator = torch.Generator().manual_seed(seed)
    views, keys = (2 * torch.randn(2, num_views, size, D, generator=generator)).unbind()
    negatives = torch.randn(intra, size, D, generator=generator)
    return [view.requires_grad_() for view in views], list(keys), list(negatives)


def reference(views, keys, negatives, queues, temperature):
    """Loops over clips and pairs of views."""
    total = torch.zeros((), dtype=torch.float64)
    views_of, intra_queues = range(len(views)), queues[len(views) :]
    for i in range(len(views[0])):
        for a in views_of:
            for b in views_of:
                if a == b:
                    continue
                columns = [unit(keys[b][i]), *queues[b]]
                for negative, queue in zip(negatives, intra_queues, strict=True):
                    columns += [unit(negative[i]), *queue]
                logits = torch.stack([unit(views[a][i]) @ column for column in columns]) / temperature
                total = total - (logits[0] - logits.logsumexp(0)) / len(views[0])
    return total


@pytest.mark.parametrize("intra", [0, 1, 2])
@pytest.mark.parametrize("num_views", [2, 3])
def test_loss_gradients_and_queues_over_several_steps(num_views, intra) -> None:
    """The queues are those of Python, longer than a batch and no multiple of it."""
    loss, *_ = make(num_views, intra, temperature=0.5)
    queues = [deque(queue.double(), maxlen=K) for queue in loss.queues]
    for step in range(4):
        views, keys, negatives = batch(num_views, intra, seed=step, size=B - step % 2)
        output = loss(views, negatives or None, torch.arange(len(views[0])), keys=keys)
        gradients = torch.autograd.grad(output.loss, views)

        exact = [view.detach().double().requires_grad_() for view in views]
        known = [[each.double() for each in kinds] for kinds in (keys, negatives)]
        expected = reference(exact, *known, queues, 0.5)
        assert torch.allclose(output.loss.double(), expected, rtol=1e-5)
        for ours, theirs in zip(gradients, torch.autograd.grad(expected, exact), strict=True):
            assert torch.allclose(ours.double(), theirs, rtol=1e-4, atol=1e-6)

        for queue, kind in zip(queues, [*known[0], *known[1]], strict=True):
            queue.extend(unit(feature) for feature in kind)
        oldest = int(loss.oldest)
        for ours, queue in zip(loss.queues, queues, strict=True):
            assert torch.allclose(ours.roll(-oldest, 0).double(), torch.stack(list(queue)), atol=1e-6)


def test_of_a_batch_longer_than_the_queue_the_last_keys_are_kept() -> None:
    loss, views, keys, negatives = make(length=3)
    loss(views, negatives, torch.arange(B), keys=keys)
    oldest = int(loss.oldest)
    for queue, kind in zip(loss.queues, [*keys, *negatives], strict=True):
        assert torch.allclose(queue.roll(-oldest, 0), F.normalize(kind[-3:], dim=1), atol=1e-6)


def test_queues_start_with_random_unit_vectors() -> None:
    queues = QueueLoss(N, 48, num_negatives=1000).queues
    assert queues.shape == (3, 1000, 48)
    assert torch.allclose(queues.norm(dim=-1), torch.ones(3, 1000))
    assert queues.mean(dim=(0, 1)).abs().max() < 0.02
    assert len(queues.flatten(0, 1).unique(dim=0)) == 3000


@pytest.mark.parametrize(("intra", "columns"), [(2, 3 * (K + 1)), (1, 2 * (K + 1)), (0, K + 1)])
def test_equal_keys_give_the_loss_of_guessing(intra, columns) -> None:
    loss, views, *_ = make(intra=intra)
    same = torch.ones(B, D)
    loss.queues.copy_(F.normalize(same[:1], dim=1))
    output = loss(views, [same] * intra, torch.arange(B), keys=[same, same])
    assert math.isclose(output.loss.item(), 2 * chance_level(columns), rel_tol=1e-5)
    assert math.isclose(float(output.metrics["positive_probability"]), 1 / columns, rel_tol=1e-4)


def test_orthogonal_keys_give_the_closed_form() -> None:
    """The positive has similarity 1, both queues and the own intra-negative 0."""
    loss = QueueLoss(N, 2 * B, num_negatives=K, temperature=0.2)
    loss.queues.zero_()
    clips, negatives = 3 * torch.eye(2 * B)[:B], torch.eye(2 * B)[B:]
    output = loss([clips, clips], negatives, torch.arange(B), keys=[2 * clips, 5 * clips])
    assert math.isclose(float(output.loss), 2 * math.log(1 + (2 * K + 1) * math.exp(-1 / 0.2)), rel_tol=1e-5)
    metrics = {name: float(value) for name, value in output.metrics.items()}
    assert math.isclose(metrics["positive_similarity"], 1, rel_tol=1e-5)
    assert metrics["inter_similarity"] == metrics["intra_similarity"] == 0


def test_intra_probability_is_the_mass_on_the_own_intra_negative() -> None:
    loss = QueueLoss(N, 2 * B, num_negatives=K, temperature=0.1)
    loss.queues.zero_()
    clips, aside = torch.eye(2 * B)[:B], torch.eye(2 * B)[B:]
    metrics = loss([clips, clips], clips, torch.arange(B), keys=[aside, aside]).metrics
    assert math.isclose(float(metrics["intra_probability"]), math.exp(10) / (math.exp(10) + 2 * K + 1), rel_tol=1e-4)
    assert math.isclose(float(metrics["intra_similarity"]), 1, rel_tol=1e-5)


def test_keys_get_no_gradient_and_are_the_queries_where_none_are_given() -> None:
    loss, views, keys, negatives = make()
    loss.eval()
    given = [key.requires_grad_() for key in (*keys, *negatives)]
    loss(views, negatives, torch.arange(B), keys=keys).loss.backward()
    assert all(key.grad is None for key in given)
    assert all((view.grad != 0).any(dim=1).all() for view in views)
    own = loss(views, negatives, torch.arange(B), keys=[view.detach().clone() for view in views])
    assert torch.equal(loss(views, negatives, torch.arange(B)).loss, own.loss)


def test_eval_mode_leaves_the_queues_alone() -> None:
    loss, views, keys, negatives = make()
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    loss.eval()(views, negatives, torch.arange(B), keys=keys)
    assert all(torch.equal(value, before[name]) for name, value in loss.state_dict().items())


def test_state_dict_resumes_queues_and_where_the_next_keys_go() -> None:
    whole, *_ = make()
    resumed = QueueLoss(N, D, num_negatives=K)
    for step in range(4):
        if step == 2:
            resumed.load_state_dict(whole.state_dict())
        views, keys, negatives = batch(seed=step)
        expected = whole(views, negatives, torch.arange(B), keys=keys).loss
        if step >= 2:
            assert torch.equal(resumed(views, negatives, torch.arange(B), keys=keys).loss, expected)
    assert set(whole.state_dict()) == {"queues", "oldest"}
    assert torch.equal(whole.queues, resumed.queues)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_features_of_any_precision_give_a_float32_loss(dtype) -> None:
    loss, views, keys, negatives = make()
    loss.eval()
    rounded = [[each.detach().to(dtype) for each in kinds] for kinds in (views, keys, negatives)]
    exact = [[each.double() for each in kinds] for kinds in rounded]
    expected = loss(exact[0], exact[2], torch.arange(B), keys=exact[1]).loss
    given = [each.clone().requires_grad_() for each in rounded[0]]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = loss(given, rounded[2], torch.arange(B), keys=rounded[1]).loss
    assert result.dtype == torch.float32
    assert torch.allclose(result.double(), expected, rtol=1e-5)
    result.backward()
    assert all(torch.isfinite(each.grad).all() and each.grad.dtype == dtype for each in given)


def test_wrong_input_is_refused_before_anything_changes() -> None:
    loss, views, keys, negatives = make()
    before = loss.queues.clone()
    index = torch.arange(B)
    for call, message in [
        (lambda: loss(views[:1], negatives, index, keys=keys), "views: this loss was built for 2"),
        (lambda: loss(views, negatives, index, keys=keys[:1]), "keys: this loss was built for 2"),
        (lambda: loss(views, None, index, keys=keys), "intra_negative: this loss was built for 1"),
        (lambda: loss(views, negatives, index, keys=[keys[0], keys[1][:2]]), r"keys\[1\]: expected .*\(5, 6\)"),
        (lambda: QueueLoss(N, D, num_views=1), "num_views"),
        (lambda: QueueLoss(N, D, intra_negatives=-1), "intra_negatives"),
        (lambda: QueueLoss(N, D, num_negatives=0), "num_negatives: the queues need room"),
    ]:
        with pytest.raises(InputError, match=message):
            call()
    assert torch.equal(loss.queues, before)


def steps_of(part: slice) -> dict[str, torch.Tensor]:
    """Losses, gradients and queues of some steps on a part of the joint batches."""
    torch.manual_seed(0)
    loss = QueueLoss(N, D, num_negatives=K)
    losses, gradients = [], []
    for step in range(3):
        views, keys, negatives = batch(seed=step, size=WORLD * 2)
        own = [[each.detach()[part] for each in kinds] for kinds in (views, keys, negatives)]
        queries = [each.clone().requires_grad_() for each in own[0]]
        result = loss(queries, own[2], torch.arange(len(queries[0])), keys=own[1]).loss
        losses.append(result.detach())
        gradients.append(torch.stack(torch.autograd.grad(result, queries)))
    return {"losses": torch.stack(losses), "gradients": torch.stack(gradients), "queues": loss.queues}


def part_of_rank(rank: int) -> dict[str, torch.Tensor]:
    return steps_of(slice(rank * 2, (rank + 1) * 2))


def test_the_keys_of_all_processes_enter_all_queues(tmp_path) -> None:
    alone = steps_of(slice(None))
    ranks = run_together(part_of_rank, WORLD, tmp_path)
    assert torch.allclose(torch.stack([rank["losses"] for rank in ranks]).mean(0), alone["losses"], rtol=1e-5)
    gradients = torch.cat([rank["gradients"] for rank in ranks], dim=2) / WORLD
    assert torch.allclose(gradients, alone["gradients"], rtol=1e-4, atol=1e-7)
    for rank in ranks:
        assert torch.equal(rank["queues"], alone["queues"])
