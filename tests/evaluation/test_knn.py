"""Weighted k-NN against a loop over neighbours, and its limits."""

import math

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.evaluation.knn import knn_scores


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.07), (5, 0.07), (5, 1.0), (100, 0.5)])
def test_equals_a_loop_over_neighbours(generator, k, temperature):
    query, gallery = torch.randn(8, 6, generator=generator), torch.randn(30, 6, generator=generator)
    labels = torch.randint(4, (30,), generator=generator) * 2  # classes are not contiguous
    scores = knn_scores(query, gallery, labels, 7, k, temperature)
    for row, vector in zip(scores, query, strict=True):
        similarity = torch.nn.functional.cosine_similarity(vector[None], gallery)
        votes = [0.0] * 7
        for index in sorted(range(30), key=lambda i: -similarity[i])[:k]:
            votes[labels[index]] += math.exp(similarity[index] / temperature)
        assert row.tolist() == pytest.approx([vote / sum(votes) for vote in votes], abs=1e-5)


def test_with_one_neighbour_it_is_the_nearest(generator):
    gallery, labels = torch.randn(10, 3, generator=generator), torch.randperm(10, generator=generator)
    scores = knn_scores(gallery * 7, gallery, labels, 10, k=1)
    assert torch.equal(scores, torch.nn.functional.one_hot(labels, 10).float())


def test_a_low_temperature_trusts_the_nearest_and_a_high_one_counts():
    """One neighbour of class 0 is nearer than two of class 1; exp(1 / temperature) alone would overflow."""
    angle = torch.tensor([0.1, 0.2, 0.2])
    gallery, labels = torch.stack([angle.cos(), angle.sin()], dim=1), torch.tensor([0, 1, 1])
    query = torch.tensor([[1.0, 0.0]])
    assert knn_scores(query, gallery, labels, 2, temperature=1e-3)[0].tolist() == pytest.approx([1, 0], abs=1e-5)
    assert knn_scores(query, gallery, labels, 2, temperature=1e3)[0].tolist() == pytest.approx([1 / 3, 2 / 3], abs=1e-4)


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([0, 1], {"temperature": 0.0}, "temperature"),
        ([0, 1], {"k": 0}, "k=0"),
        ([0, 2], {}, "gallery: a video is of class 2"),
        ([0, -1], {}, "gallery: 1 of 2 videos have no class"),
        ([0], {}, "one label for each"),
    ],
)
def test_unusable_input_is_refused(labels, options, message):
    with pytest.raises(InputError, match=message):
        knn_scores(torch.eye(2), torch.eye(2), torch.tensor(labels), num_classes=2, **options)


def test_features_that_are_nan_are_refused():
    with pytest.raises(InputError, match="gallery: the features of 1 of 2 videos are NaN"):
        knn_scores(torch.eye(2), torch.tensor([[1.0, 0.0], [torch.nan, 0.0]]), torch.tensor([0, 1]), num_classes=2)
