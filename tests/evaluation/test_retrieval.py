"""Retrieval against an obvious reference: every pair in a Python loop, ranked by Python's stable sort."""

import numpy as np
import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.evaluation.retrieval import chance_level, nearest_neighbours, retrieval_accuracy, retrieval_hits


def reference_ranking(query, gallery):
    """Similarities and indices of the whole gallery for every query, in float64, one pair at a time."""

    def cosine(a, b):
        norms = np.linalg.norm(a) * np.linalg.norm(b)
        return float(a @ b / norms) if norms > 0 else 0.0

    rankings = []
    for q in query.double().numpy():
        similarities = [cosine(q, g) for g in gallery.double().numpy()]
        rankings.append(sorted(enumerate(similarities), key=lambda pair: (-round(pair[1], 11), pair[0])))
    return rankings


def reference_accuracy(query, query_labels, gallery, gallery_labels, k):
    hits = [
        any(gallery_labels[index] == label for index, _ in ranking[:k])
        for ranking, label in zip(reference_ranking(query, gallery), query_labels, strict=True)
    ]
    return sum(hits) / len(hits)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def sets(generator):
    """Queries and a gallery of different norms, with duplicates, opposites and zero vectors."""
    query = torch.randn(13, 6, generator=generator) * 100
    gallery = torch.randn(29, 6, generator=generator)
    gallery[20] = gallery[3] * 2
    gallery[28] = gallery[3]
    gallery[11] = -gallery[4]
    gallery[7] = gallery[17] = 0
    query[5] = 0
    query[6] = gallery[3]
    return query, gallery


@pytest.mark.parametrize("block_size", [1, 2, 5, 13, 29, 1024])
@pytest.mark.parametrize("k", [1, 4, 29])
def test_equals_the_reference_for_every_block_size(sets, k, block_size):
    query, gallery = sets
    similarity, index = nearest_neighbours(query, gallery, k, block_size)
    expected = reference_ranking(query, gallery)
    assert index.tolist() == [[i for i, _ in ranking[:k]] for ranking in expected]
    torch.testing.assert_close(
        similarity.double(),
        torch.tensor([[s for _, s in ranking[:k]] for ranking in expected], dtype=torch.float64),
        atol=1e-7,
        rtol=0,
    )


@pytest.mark.parametrize("block_size", [3, 7, 64, 1024])
def test_equal_vectors_tie_and_the_lowest_index_comes_first(generator, block_size):
    """Also where they fall into different blocks, whose products may round differently."""
    directions = torch.randn(5, 300, generator=generator)
    gallery = directions.repeat(20, 1)  # gallery vectors i, i + 5, i + 10, ... are equal
    _, index = nearest_neighbours(torch.randn(40, 300, generator=generator), gallery, 20, block_size)
    assert torch.equal(index, index[:, :1] + 5 * torch.arange(20))


def test_a_zero_query_finds_the_gallery_in_order():
    similarity, index = nearest_neighbours(torch.zeros(1, 3), torch.eye(3), 3)
    assert index.tolist() == [[0, 1, 2]]
    assert similarity.tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_depends_on_directions_only(sets, scale):
    query, gallery = sets
    expected = nearest_neighbours(query, gallery, 5)
    similarity, index = nearest_neighbours(query * scale, gallery * scale, 5)
    assert torch.equal(index, expected[1])
    torch.testing.assert_close(similarity, expected[0])


def test_resolves_features_that_are_all_alike():
    """An untrained network's features differ by little from their mean: float32 products could not rank them."""
    angle = torch.tensor([3e-4, 1e-4, 2e-4, 0.0], dtype=torch.float64)
    gallery = torch.stack([angle.cos(), angle.sin()], dim=1).float()
    _, index = nearest_neighbours(torch.tensor([[1.0, 0.0]]), gallery, 4)
    assert index.tolist() == [[3, 1, 2, 0]]


def test_half_precision_features():
    features = torch.eye(4, dtype=torch.bfloat16)
    similarity, index = nearest_neighbours(features, features, 1)
    assert index.flatten().tolist() == [0, 1, 2, 3]
    assert similarity.dtype == torch.float32


@pytest.mark.parametrize("block_size", [4, 1024])
def test_accuracy_equals_the_reference(sets, generator, block_size):
    query, gallery = sets
    query_labels = torch.randint(5, (13,), generator=generator)
    gallery_labels = torch.randint(5, (29,), generator=generator)
    accuracy = retrieval_accuracy(query, query_labels, gallery, gallery_labels, (1, 2, 5, 29), block_size)
    for k, value in accuracy.items():
        assert value == pytest.approx(reference_accuracy(query, query_labels, gallery, gallery_labels, k))


@pytest.mark.parametrize("spread", [1.0, 1e-4])  # with the small one, similarities are all but 1
def test_hits_are_those_of_the_nearest_neighbours(generator, spread):
    query, gallery = (1 + spread * torch.randn(size, 40, generator=generator) for size in (60, 200))
    query_labels, gallery_labels = (torch.randint(20, (size,), generator=generator) for size in (60, 200))
    _, index = nearest_neighbours(query, gallery, 20)
    own = gallery_labels[index] == query_labels[:, None]
    expected = torch.stack([own[:, :k].any(dim=1) for k in (20, 1, 5)], dim=1)
    assert torch.equal(retrieval_hits(query, query_labels, gallery, gallery_labels, ks=(20, 1, 5)), expected)


def test_accuracy_in_closed_form():
    """Query i is nearest to gallery vector i, next to i + 1, and so on; only one of four is of class 0."""
    angle = torch.arange(4.0)
    gallery = torch.stack([(0.1 * angle).cos(), (0.1 * angle).sin()], dim=1)
    query, labels = gallery[:1].expand(4, 2), torch.tensor([0, 1, 2, 3])
    accuracy = retrieval_accuracy(query, labels, gallery, labels, ks=(1, 2, 3, 4, 50))
    assert accuracy == {1: 0.25, 2: 0.5, 3: 0.75, 4: 1.0, 50: 1.0}


def test_a_class_that_the_gallery_lacks_is_never_hit():
    accuracy = retrieval_accuracy(torch.eye(2), torch.tensor([7, 7]), torch.eye(2), torch.tensor([0, 1]), ks=(1, 50))
    assert accuracy == {1: 0.0, 50: 0.0}


def test_chance_of_balanced_classes():
    labels = torch.arange(10).repeat_interleave(4)
    chance = chance_level(labels, labels, ks=(1, 37, 100))
    assert chance == {1: pytest.approx(0.1), 37: 1.0, 100: 1.0}


def test_chance_is_what_random_features_reach(generator):
    query_labels = torch.randint(4, (3000,), generator=generator)
    gallery_labels = torch.tensor([0] * 10 + [1] * 4 + [2] * 1)  # unbalanced; class 3 is missing
    chance = chance_level(query_labels, gallery_labels, ks=(1, 3, 15))
    query, gallery = torch.randn(3000, 14, generator=generator), torch.eye(15, 14) - 1 / 15
    order = torch.randperm(15, generator=generator)
    reached = retrieval_accuracy(query, query_labels, gallery[order], gallery_labels, ks=(1, 3, 15))
    assert chance == pytest.approx(reached, abs=0.03)
    assert chance[15] == pytest.approx((query_labels < 3).double().mean().item())


@pytest.mark.parametrize(
    ("query", "gallery", "message"),
    [
        (torch.empty(0, 3), torch.eye(3), "query"),
        (torch.eye(3), torch.empty(0, 3), "gallery"),
        (torch.eye(3), torch.empty(3, 0), "gallery"),
        (torch.eye(3), torch.eye(4), "3 dimensions"),
        (torch.ones(3), torch.eye(3), "query"),
        (torch.tensor([[0.0, 1.0], [float("nan"), 1.0]]), torch.eye(2), "1 of 2 videos"),
        (torch.eye(2), torch.full((2, 2), float("inf")), "gallery"),
    ],
)
def test_unusable_features_are_refused(query, gallery, message):
    with pytest.raises(InputError, match=message):
        nearest_neighbours(query, gallery, 1)


def test_unusable_options_are_refused():
    with pytest.raises(InputError, match="k=0"):
        nearest_neighbours(torch.eye(2), torch.eye(2), 0)
    with pytest.raises(InputError, match="block_size=0"):
        nearest_neighbours(torch.eye(2), torch.eye(2), 1, block_size=0)
    with pytest.raises(InputError, match="one label for each"):
        retrieval_accuracy(torch.eye(2), torch.tensor([0]), torch.eye(2), torch.tensor([0, 1]))
    with pytest.raises(InputError, match="query: 1 of 2 videos have no class"):
        retrieval_accuracy(torch.eye(2), torch.tensor([0, -1]), torch.eye(2), torch.tensor([0, 1]))
    with pytest.raises(InputError, match="ks"):
        retrieval_accuracy(torch.eye(2), torch.tensor([0, 1]), torch.eye(2), torch.tensor([0, 1]), ks=(-1, 5))
