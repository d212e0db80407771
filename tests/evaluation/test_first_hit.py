"""Bounds of the rank of the first hit, against ranks by float64 in a loop over queries."""

import pytest
import torch
from torch.nn.functional import normalize

from iic_ptv.evaluation.first_hit import first_hit_bounds

D = 1100  # more than two chunks


def ranks(query, query_labels, gallery, gallery_labels):
    query, gallery = (normalize(features.double(), eps=1e-300) for features in (query, gallery))
    similarity = (query[:, None] * gallery).sum(dim=2)
    places = []
    for row, label in zip(similarity.round(decimals=11), query_labels, strict=True):
        ranking = sorted(range(len(gallery)), key=lambda index: (-row[index], index))
        hits = [place for place, index in enumerate(ranking) if gallery_labels[index] == label]
        places.append(hits[0] if hits else len(gallery))
    return torch.tensor(places)


def spread(generator):
    return torch.randn(40, D, generator=generator), torch.randn(150, D, generator=generator)


def alike(generator):
    """Similarities are between 0.99999 and 1, as of an untrained network."""
    centre = 10 * torch.rand(D, generator=generator)
    return tuple(centre + 0.02 * features for features in spread(generator))


def of_many_sizes(generator):
    query, gallery = spread(generator)
    sizes = torch.logspace(-12, 12, 150)[torch.randperm(150, generator=generator), None]
    return query * sizes[:40], gallery * sizes


def repeated(generator):
    """Most similarities are equal, and some vectors zero."""
    query, gallery = spread(generator)
    query[:10], gallery[:50] = 0, 0
    return query, gallery[:75].repeat(2, 1)


def sparse(generator):
    """As after a ReLU, most of them zero."""
    return tuple((features - 1).relu() for features in spread(generator))


def in_half_precision(generator):
    return tuple(features.bfloat16() for features in spread(generator))


@pytest.mark.parametrize("features", [spread, alike, of_many_sizes, repeated, sparse, in_half_precision])
@pytest.mark.parametrize("num_classes", [3, 30, 300])  # of the last, the gallery lacks some
def test_ranks_are_within_the_bounds(features, num_classes):
    generator = torch.Generator().manual_seed(0)
    query, gallery = features(generator)
    labels = [torch.randint(num_classes, (len(side),), generator=generator) for side in (query, gallery)]
    lowest, highest = first_hit_bounds(query, labels[0], gallery, labels[1])
    expected = ranks(query, labels[0], gallery, labels[1])
    assert (lowest <= expected).all()
    assert (expected <= highest).all()


@pytest.mark.parametrize("features", [spread, alike, of_many_sizes, sparse])
def test_bounds_are_narrow_unless_vectors_are_equal(features):
    generator = torch.Generator().manual_seed(0)
    query, gallery = features(generator)
    labels = torch.randint(30, (40,), generator=generator), torch.randint(30, (150,), generator=generator)
    lowest, highest = first_hit_bounds(query, labels[0], gallery, labels[1])
    assert (lowest == highest).float().mean() > 0.8


@pytest.fixture
def float32_as_bfloat16():
    torch.set_float32_matmul_precision("medium")
    yield
    torch.set_float32_matmul_precision("highest")


def test_where_products_are_rounded_for_speed(float32_as_bfloat16):
    with torch.autocast("cpu", torch.bfloat16):
        test_ranks_are_within_the_bounds(spread, 30)
        test_bounds_are_narrow_unless_vectors_are_equal(alike)
