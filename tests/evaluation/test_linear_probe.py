"""The linear probe: its optimum, invariances, and galleries of every kind."""

import pytest
import torch
import torch.nn.functional as F

from iic_ptv.errors import InputError
from iic_ptv.evaluation.linear_probe import LinearProbe, fit_linear_probe


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def blobs(generator, labels, spread=1.0, dimensions=8):
    """Features around one centre for each class, off the origin and of different scales, as those of networks."""
    centres = torch.randn(int(labels.max()) + 1, dimensions, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(len(labels), dimensions, generator=generator)
    return (centres[labels] + spread * noise) * torch.logspace(-2, 0, dimensions) + 5


def standardised(features):
    directions = F.normalize(features.double(), dim=1)
    return (directions - directions.mean(dim=0)) / directions.std(dim=0, correction=0)


def gradient(probe: LinearProbe, features, labels):
    """Of the objective that the probe should minimise, by autograd."""
    weight, bias = probe.weight.clone().requires_grad_(), probe.bias.clone().requires_grad_()
    inputs = standardised(features)
    logits = inputs @ weight.T + bias
    loss = F.cross_entropy(logits, labels, reduction="sum") + probe.penalty * weight.square().sum() / 2
    return torch.cat([values.flatten() for values in torch.autograd.grad(loss, (weight, bias))])


@pytest.mark.parametrize("penalty", [0.1, 1.0, 100.0])
def test_minimises_the_penalised_cross_entropy(generator, penalty):
    labels = torch.arange(60) % 3
    features = blobs(generator, labels)
    probe = fit_linear_probe(features, labels, 3, penalty)
    assert gradient(probe, features, labels).abs().max() < 0.05


def test_two_classes(generator):
    """Scikit-learn's parametrisation of two classes is another: it has one weight vector."""
    labels = torch.arange(40) % 2
    features = blobs(generator, labels)
    probe = fit_linear_probe(features, labels, 2, penalty=1.0)
    logits = probe.logits(features)
    assert logits.shape == (40, 2)
    assert (logits.argmax(dim=1) == labels).float().mean() > 0.8
    weight = (probe.weight[1] - probe.weight[0]).requires_grad_()
    bias = probe.bias[1] - probe.bias[0]
    loss = F.binary_cross_entropy_with_logits(standardised(features) @ weight + bias, labels.double(), reduction="sum")
    (slope,) = torch.autograd.grad(loss + weight.square().sum() / 2, weight)
    assert slope.abs().max() < 0.02


def test_tells_videos_apart_that_it_has_not_seen(generator):
    labels, new_labels = torch.arange(200) % 5, torch.arange(100) % 5
    probe = fit_linear_probe(blobs(generator, labels, 0.3), labels, 5)
    accuracy = (probe.logits(blobs(generator, new_labels, 0.3)).argmax(dim=1) == new_labels).float().mean()
    assert accuracy > 0.95


def test_chooses_the_penalty_that_is_best_on_new_videos(generator):
    """With more dimensions than videos and much noise, the least penalty fits best and generalises worst."""
    labels, new_labels = torch.arange(60) % 3, torch.arange(600) % 3
    features, new = blobs(generator, labels, 3.0, 80), blobs(generator, new_labels, 3.0, 80)

    def accuracy(penalty):
        return (fit_linear_probe(features, labels, 3, penalty).logits(new).argmax(dim=1) == new_labels).float().mean()

    assert accuracy(None) > accuracy(0.1)


def test_depends_on_directions_only(generator):
    labels = torch.arange(60) % 3
    features = blobs(generator, labels)
    lengths = torch.logspace(-6, 6, 60)[:, None]
    one, other = fit_linear_probe(features, labels, 3), fit_linear_probe(lengths * features, labels, 3)
    torch.testing.assert_close(one.logits(features), other.logits(features / lengths), rtol=1e-3, atol=1e-3)


def test_is_deterministic(generator):
    labels = torch.randint(4, (50,), generator=generator)
    features = blobs(generator, labels)
    first, again = (fit_linear_probe(features, labels, 4).logits(features) for _ in range(2))
    assert torch.equal(first, again)


def test_classes_without_a_video_are_never_predicted(generator):
    labels = torch.tensor([1, 4, 6]).repeat(8)
    features = blobs(generator, labels)
    logits = fit_linear_probe(features, labels, 9).logits(features)
    assert logits.shape == (24, 9)
    assert logits.isfinite().any(dim=0).nonzero().flatten().tolist() == [1, 4, 6]
    assert set(logits.argmax(dim=1).tolist()) <= {1, 4, 6}


@pytest.mark.parametrize(
    "labels",
    [
        list(range(8)),  # one video per class
        [0, 0, 0, 0, 1],  # only one class has enough for folds
        [0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 3],  # some have
    ],
)
@pytest.mark.filterwarnings("error")
def test_classes_of_few_videos(generator, labels):
    labels = torch.tensor(labels)
    features = blobs(generator, labels, 0.01)
    probe = fit_linear_probe(features, labels, int(labels.max()) + 1)
    assert torch.equal(probe.logits(features).argmax(dim=1), labels)


def test_a_feature_that_never_varies(generator):
    labels = torch.arange(30) % 3
    features = blobs(generator, labels)
    features[:, 2] = 7.0
    probe = fit_linear_probe(features, labels, 3, penalty=1.0)
    assert probe.logits(features).isfinite().all()


@pytest.mark.parametrize(
    ("labels", "penalty", "message"),
    [
        ([1, 1, 1], None, "all videos are of class 1"),
        ([0, -1, 1], None, "gallery: 1 of 3 videos have no class"),
        ([0, 1, 5], None, "class 5"),
        ([0, 1, 2], 0.0, "penalty"),
    ],
)
def test_unusable_input_is_refused(labels, penalty, message):
    with pytest.raises(InputError, match=message):
        fit_linear_probe(torch.eye(3), torch.tensor(labels), 3, penalty)


def test_features_that_are_nan_or_of_another_network_are_refused():
    probe = fit_linear_probe(torch.eye(3), torch.arange(3), 3)
    with pytest.raises(InputError, match="4 dimensions"):
        probe.logits(torch.eye(4))
    with pytest.raises(InputError, match="query: the features of 3 of 3 videos are NaN"):
        probe.logits(torch.full((3, 3), torch.nan))
    with pytest.raises(InputError, match="gallery: the features of 3 of 3 videos are NaN"):
        fit_linear_probe(torch.full((3, 3), torch.nan), torch.arange(3), 3)
