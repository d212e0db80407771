"""The loss against a slow reference in float64, closed forms and hard inputs."""

import math

import pytest
import torch
from reference import chance_level, reference_loss, reference_update

from iic_ptv.errors import InputError
from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.losses.contrast import list_of_kinds
from iic_ptv.registry import LOSSES

N, D, B, K = 20, 6, 5, 7


def make(
    num_views: int = 2, intra: int | bool = True, **options
) -> tuple[InterIntraNCELoss, list[torch.Tensor], torch.Tensor | list[torch.Tensor] | None]:
    """The loss, and features of its views and intra-negatives; those of one kind come as they are."""
    torch.manual_seed(0)
    loss = InterIntraNCELoss(N, D, num_views=num_views, num_negatives=K, intra_negatives=intra, **options)
    views = [(2 * torch.randn(B, D)).requires_grad_() for _ in range(num_views)]
    negatives = list(torch.randn(int(intra), B, D))
    return loss, views, negatives if intra > 1 else next(iter(negatives), None)


@pytest.mark.parametrize("objective", ["softmax", "nce"])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("intra", [True, False, 2])
@pytest.mark.parametrize("num_views", [2, 3])
def test_loss_gradients_and_banks_over_several_steps(objective, normalize, intra, num_views) -> None:
    options = {"objective": objective, "normalize": normalize, "temperature": 0.5}
    loss, views, negative = make(num_views, intra, **options)
    banks, normalizers = loss.bank.features.double(), None
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        index = torch.randperm(N, generator=generator)[:B]
        negative_index = torch.randint(N, (B, K), generator=generator)
        output = loss(views, negative, index, negative_index)
        gradients = torch.autograd.grad(output.loss, views)

        exact = [view.detach().double().requires_grad_() for view in views]
        expected, used = reference_loss(exact, banks, index, negative_index, 0.5, normalize, objective, normalizers)
        normalizers = normalizers or used
        assert torch.allclose(output.loss.double(), expected, rtol=1e-5)
        for ours, theirs in zip(gradients, torch.autograd.grad(expected, exact), strict=True):
            assert torch.allclose(ours.double(), theirs, rtol=1e-4, atol=1e-6)

        kinds = [kind.detach().double() for kind in (*views, *list_of_kinds(negative))]
        banks = reference_update(banks, kinds, index, 0.5, normalize)
        assert torch.allclose(loss.bank.features.double(), banks, atol=1e-6)


@pytest.mark.parametrize("objective", ["softmax", "nce"])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("intra", [1, 2])
def test_with_gradient_the_intra_negatives_of_the_batch_are_columns_too(objective, normalize, intra) -> None:
    """Losses and gradients of views and of intra-negatives are those of a slow reference, while the banks change."""
    loss, views, negative = make(2, intra, objective=objective, normalize=normalize, intra_gradient=True)
    loss.temperature = 0.5
    negatives = [each.requires_grad_() for each in list_of_kinds(negative)]
    banks, normalizers = loss.bank.features.double(), None
    for step in range(2):
        index, negative_index = (torch.arange(B) + step) % N, torch.randint(N, (B, K))
        output = loss(views, negative, index, negative_index)
        gradients = torch.autograd.grad(output.loss, [*views, *negatives])

        exact = [each.detach().double().requires_grad_() for each in (*views, *negatives)]
        expected, used = reference_loss(
            exact[:2], banks, index, negative_index, 0.5, normalize, objective, normalizers, current=exact[2:]
        )
        normalizers = normalizers or used
        assert torch.allclose(output.loss.double(), expected, rtol=1e-5)
        for ours, theirs in zip(gradients, torch.autograd.grad(expected, exact), strict=True):
            assert torch.allclose(ours.double(), theirs, rtol=1e-5, atol=1e-6)
        banks = reference_update(banks, [each.detach() for each in exact], index, 0.5, normalize)
        assert torch.allclose(loss.bank.features.double(), banks, atol=1e-6)


def test_with_gradient_closed_form() -> None:
    """All rows are zero, the intra-negative is the view itself: its column has 1 / tau, and is all that pulls at f."""
    tau = 0.5
    loss = InterIntraNCELoss(N, D, num_negatives=K, temperature=tau, normalize=False, intra_gradient=True)
    loss.bank.features.zero_()
    view, negative = torch.eye(D)[:B].requires_grad_(), torch.eye(D)[:B].requires_grad_()
    loss([view, view], negative, torch.arange(B)).loss.backward()
    mass = math.exp(1 / tau) / (math.exp(1 / tau) + 2 * (K + 1))
    # Two ordered pairs, each a mean over the batch.
    assert torch.allclose(view.grad, 2 * mass / tau / B * torch.eye(D)[:B], atol=1e-6)
    assert torch.allclose(negative.grad, view.grad, atol=1e-6)


def test_a_step_against_the_gradient_parts_a_view_and_its_intra_negative() -> None:
    loss, views, negative = make(intra_gradient=True)
    negative.requires_grad_()
    index, before = torch.arange(B), (views[0] * negative).sum(dim=1)
    loss.bank.features.zero_()
    loss(views, negative, index).loss.backward()
    with torch.no_grad():
        after = ((views[0] - 0.1 * views[0].grad) * (negative - 0.1 * negative.grad)).sum(dim=1)
    assert (after < before).all()


def test_banks_start_as_the_paper_says() -> None:
    bank = InterIntraNCELoss(4000, 48).bank.features
    bound = 1 / math.sqrt(48 / 3)
    assert bank.shape == (3, 4000, 48)
    assert bank.abs().max() <= bound
    assert bank.abs().max() > 0.99 * bound
    assert abs(float(bank.square().sum(-1).mean()) - 1) < 0.01


@pytest.mark.parametrize(("intra", "columns"), [(True, 2 * (K + 1)), (False, K + 1), (3, 4 * (K + 1))])
def test_equal_rows_give_the_loss_of_guessing(intra, columns) -> None:
    loss, views, negative = make(intra=intra)
    loss.bank.features.fill_(0.1)
    output = loss(views, negative, torch.arange(B))
    assert math.isclose(float(output.loss), 2 * chance_level(columns), rel_tol=1e-5)
    assert math.isclose(float(output.metrics["positive_probability"]), 1 / columns, rel_tol=1e-4)


def test_perfect_features_give_the_closed_form() -> None:
    """The positive has similarity 1, all else 0: each direction costs log(1 + (columns - 1) exp(-1 / tau))."""
    loss = InterIntraNCELoss(D, D, num_negatives=K, temperature=0.2, exclude_self=True)
    loss.bank.features[:2] = torch.eye(D)
    loss.bank.features[2] = 0
    output = loss([3 * torch.eye(D), 5 * torch.eye(D)], torch.ones(D, D), torch.arange(D))
    columns = 2 * (K + 1)
    assert math.isclose(float(output.loss), 2 * math.log(1 + (columns - 1) * math.exp(-1 / 0.2)), rel_tol=1e-5)
    metrics = {name: float(value) for name, value in output.metrics.items()}
    assert math.isclose(metrics["positive_similarity"], 1, rel_tol=1e-5)
    assert metrics["inter_similarity"] == metrics["intra_similarity"] == 0


def test_intra_probability_is_the_mass_on_the_own_intra_negative() -> None:
    loss = InterIntraNCELoss(D, D, num_negatives=K, temperature=0.1, exclude_self=True)
    loss.bank.features[:2] = 0
    loss.bank.features[2] = torch.eye(D)
    output = loss([torch.eye(D), torch.eye(D)], torch.ones(D, D), torch.arange(D))
    expected = math.exp(10) / (math.exp(10) + 2 * (K + 1) - 1)
    assert math.isclose(float(output.metrics["intra_probability"]), expected, rel_tol=1e-4)
    assert math.isclose(float(output.metrics["intra_similarity"]), 1, rel_tol=1e-5)


def test_metrics_of_several_kinds_are_means() -> None:
    loss = InterIntraNCELoss(D, D, num_negatives=K, temperature=0.1, exclude_self=True, intra_negatives=2)
    loss.bank.features[:2] = 0
    loss.bank.features[2] = torch.eye(D)
    loss.bank.features[3] = -torch.eye(D)
    output = loss([torch.eye(D), torch.eye(D)], 2 * [torch.ones(D, D)], torch.arange(D))
    own = math.exp(10) + math.exp(-10)
    assert math.isclose(float(output.metrics["intra_probability"]), own / 2 / (own + 3 * (K + 1) - 2), rel_tol=1e-4)
    assert abs(float(output.metrics["intra_similarity"])) < 1e-6


def test_of_equal_rows_kinds_are_as_many_times_the_columns() -> None:
    """A kind whose bank is that of another one changes the loss as if its columns were there twice."""
    one, views, negative = make(2, 1)
    two, _, _ = make(2, 2)
    two.bank.features[:3] = one.bank.features
    two.bank.features[3] = one.bank.features[2]
    index, negative_index = torch.arange(B), torch.randint(N, (B, K))
    loss = two(views, [negative, negative], index, negative_index).loss
    assert loss > one(views, negative, index, negative_index).loss
    assert torch.equal(two.bank.features[3], two.bank.features[2])
    assert torch.allclose(two.bank.features[:3], one.bank.features)


def test_nce_normaliser_is_set_once_by_the_first_training_batch() -> None:
    loss, views, negative = make(objective="nce")
    loss.eval()
    assert torch.isfinite(loss(views, negative, torch.arange(B)).loss)
    assert not loss.normalizer_is_set
    loss.train()
    loss(views, negative, torch.arange(B))
    first = loss.log_normalizer.clone()
    assert (first != 0).all()
    loss([10 * view for view in views], negative, torch.arange(B))
    assert torch.equal(loss.log_normalizer, first)


def test_nce_of_long_features_against_filled_banks_stays_finite() -> None:
    """Unnormalised features have norms around 13 at the start: logits of 180, whose exponential overflows."""
    loss = InterIntraNCELoss(N, D, num_negatives=K, normalize=False, objective="nce")
    long = 13 * torch.nn.functional.normalize(torch.ones(B, D))
    index = torch.arange(B)
    loss.fill([long, long], long, index)
    views = [long.clone().requires_grad_(), long.clone().requires_grad_()]
    output = loss(views, long, index)
    output.loss.backward()
    assert torch.isfinite(output.loss)
    assert all(torch.isfinite(view.grad).all() for view in views)
    assert torch.isfinite(loss.log_normalizer).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_features_and_autocast_give_float32_logits(dtype) -> None:
    loss, views, negative = make()
    loss.eval()
    index, negative_index = torch.arange(B), torch.randint(N, (B, K))
    rounded = [view.detach().to(dtype).float() for view in views]
    expected = loss(rounded, negative, index, negative_index).loss
    halves = [view.detach().to(dtype).requires_grad_() for view in views]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = loss(halves, negative.to(dtype), index, negative_index).loss
    assert result.dtype == torch.float32
    assert torch.allclose(result, expected, rtol=1e-6)
    result.backward()
    assert all(torch.isfinite(half.grad).all() and half.grad.dtype == dtype for half in halves)


def test_the_intra_negative_gets_no_gradient() -> None:
    loss, views, negative = make()
    negative.requires_grad_()
    loss(views, negative, torch.arange(B)).loss.backward()
    assert negative.grad is None
    assert all(view.grad.abs().sum() > 0 for view in views)


def test_repeated_indices_take_the_last_feature() -> None:
    loss, views, negative = make()
    index = torch.tensor([3, 3, 8, 3, 8])
    before = loss.bank.features.clone().double()
    loss(views, negative, index)
    kinds = [view.detach().double() for view in [*views, negative]]
    expected = reference_update(before, [kind[[3, 4]] for kind in kinds], torch.tensor([3, 8]), 0.5, True)
    assert torch.allclose(loss.bank.features.double(), expected, atol=1e-6)


def test_eval_mode_leaves_the_banks_alone() -> None:
    loss, views, negative = make()
    before = loss.bank.features.clone()
    loss.eval()(views, negative, torch.arange(B))
    assert torch.equal(loss.bank.features, before)


def test_fill_replaces_rows() -> None:
    loss, views, negative = make()
    before = loss.bank.features.clone()
    loss.fill(views, negative, torch.arange(B))
    for bank, feature in enumerate([*views, negative]):
        assert torch.allclose(loss.bank.features[bank, :B], torch.nn.functional.normalize(feature.detach()), atol=1e-6)
    assert torch.equal(loss.bank.features[:, B:], before[:, B:])


@pytest.mark.parametrize("num_negatives", [0, 1, 3 * N])
def test_any_number_of_negatives(num_negatives) -> None:
    loss = InterIntraNCELoss(N, D, num_negatives=num_negatives)
    output = loss([torch.randn(B, D), torch.randn(B, D)], torch.randn(B, D), torch.arange(B))
    assert torch.isfinite(output.loss)
    assert all(torch.isfinite(value) for value in output.metrics.values())


def test_one_video() -> None:
    loss = InterIntraNCELoss(1, D, num_negatives=4)
    output = loss([torch.randn(3, D), torch.randn(3, D)], torch.randn(3, D), torch.zeros(3, dtype=torch.long))
    assert torch.isfinite(output.loss)


def test_negatives_are_uniform_and_exclude_self_when_asked() -> None:
    index = torch.arange(N)
    for exclude in (False, True):
        loss = InterIntraNCELoss(N, D, num_negatives=20000, exclude_self=exclude)
        drawn = loss._draw_negatives(index)
        own = (drawn == index[:, None]).float().mean()
        assert abs(float(own) - (0 if exclude else 1 / N)) < 0.005
        assert drawn.min() == 0
        assert drawn.max() == N - 1


def test_state_dict_resumes_banks_draws_and_normaliser() -> None:
    def step(loss):
        return loss([torch.ones(B, D), torch.arange(B * D).view(B, D).float()], torch.eye(B, D), torch.arange(B)).loss

    whole, first = (InterIntraNCELoss(N, D, num_negatives=K, objective="nce") for _ in range(2))
    first.load_state_dict(whole.state_dict())
    step(whole), step(first)
    resumed = InterIntraNCELoss(N, D, num_negatives=K, objective="nce")
    resumed.load_state_dict(first.state_dict())
    assert torch.equal(step(whole), step(resumed))
    assert torch.equal(whole.bank.features, resumed.bank.features)


def test_draws_depend_on_the_seed() -> None:
    index = torch.arange(B)
    one, same, other = (InterIntraNCELoss(N, D, seed=seed)._draw_negatives(index) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_wrong_input_is_refused_before_anything_changes() -> None:
    loss, views, negative = make()
    before = loss.bank.features.clone()
    index = torch.arange(B)
    wrong = [
        (lambda: loss(views[:1], negative, index), "views: this loss was built for 2"),
        (lambda: loss(views, None, index), "intra_negative: this loss was built for 1"),
        (lambda: loss(views, [negative, negative], index), "intra_negative: .* got 2"),
        (lambda: loss.fill(views, [], index), "intra_negative: .* got 0"),
        (lambda: loss([views[0], views[1][:, :2]], negative, index), r"views\[1\]"),
        (lambda: loss(views, negative, index + N), f"index {N} is outside the memory banks of {N} videos"),
        (lambda: loss(views, negative, index - 1), "index -1"),
        (lambda: loss(views, negative, index, torch.full((B, K), N)), f"index {N}"),
        (lambda: InterIntraNCELoss(N, D, objective="hinge"), "objective"),
        (lambda: InterIntraNCELoss(N, D, num_views=1), "two views"),
        (lambda: InterIntraNCELoss(1, D, exclude_self=True), "exclude_self"),
        (lambda: InterIntraNCELoss(N, D, num_negatives=-1), "num_negatives"),
        (lambda: InterIntraNCELoss(N, D, intra_negatives=-1), "intra_negatives"),
        (lambda: InterIntraNCELoss(N, D, intra_negatives=0, intra_gradient=True), "intra_gradient"),
        (lambda: InterIntraNCELoss(N, D, num_negatives=0, intra_negatives=False), "num_negatives"),
    ]
    for call, message in wrong:
        with pytest.raises(InputError, match=message):
            call()
    assert torch.equal(loss.bank.features, before)


@pytest.mark.parametrize("name", LOSSES.names())
def test_every_loss_keeps_the_contract(name) -> None:
    loss = LOSSES.get(name)(num_videos=N, feature_dim=D)
    views = [torch.randn(B, D, requires_grad=True) for _ in range(2)]
    output = loss(views, torch.randn(B, D), torch.arange(B))
    output.loss.backward()
    assert output.loss.dim() == 0
    assert all(not value.requires_grad and value.dim() == 0 for value in output.metrics.values())


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_banks_of_half_precision(precision) -> None:
    """They take half the memory; loss, gradient and banks are those of float32 up to the rounding of the banks."""
    whole, views, negative = make()
    half, _, _ = make(bank_precision=precision)
    whole.bank.features.copy_(half.bank.features)
    assert half.bank.features.nbytes == whole.bank.features.nbytes / 2
    index, negative_index = torch.arange(B), torch.randint(N, (B, K))
    losses = [loss(views, negative, index, negative_index).loss for loss in (whole, half)]
    assert torch.allclose(losses[1], losses[0], rtol=1e-6)
    expected, gradients = (torch.stack(torch.autograd.grad(loss, views)) for loss in losses)
    assert (gradients - expected).norm() < 0.01 * expected.norm()
    assert torch.equal(half.bank.features, whole.bank.features.to(half.bank.features.dtype))
