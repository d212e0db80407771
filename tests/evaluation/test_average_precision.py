"""mAP against scikit-learn and against a loop over rankings."""

import pytest
import torch
from sklearn.metrics import average_precision_score

from iic_ptv.errors import InputError
from iic_ptv.evaluation import average_precision
from iic_ptv.evaluation.average_precision import mean_average_precision


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_equals_scikit_learn(generator):
    query, gallery = torch.randn(20, 6, generator=generator), torch.randn(50, 6, generator=generator)
    query_labels, gallery_labels = (torch.randint(5, (n,), generator=generator) for n in (20, 50))
    similarity = torch.nn.functional.cosine_similarity(query[:, None], gallery[None], dim=2)
    expected = [
        average_precision_score(gallery_labels == label, row)
        for label, row in zip(query_labels, similarity, strict=True)
    ]
    assert mean_average_precision(query, query_labels, gallery, gallery_labels) == pytest.approx(
        sum(expected) / len(expected)
    )


def test_in_closed_form():
    """The ranking of both queries is gallery 0, 1, 2, 3."""
    angle = torch.arange(4.0) / 10
    gallery = torch.stack([angle.cos(), angle.sin()], dim=1)
    query = gallery[:1].expand(2, 2)
    value = mean_average_precision(query, torch.tensor([0, 1]), gallery, torch.tensor([0, 1, 0, 1]))
    assert value == pytest.approx(((1 + 2 / 3) / 2 + (1 / 2 + 2 / 4) / 2) / 2)


def test_of_equals_the_lowest_index_comes_first():
    query, gallery = torch.ones(1, 2), torch.ones(3, 2)
    first, last = torch.tensor([1, 0, 0]), torch.tensor([0, 0, 1])
    assert mean_average_precision(query, torch.tensor([1]), gallery, first) == 1
    assert mean_average_precision(query, torch.tensor([1]), gallery, last) == pytest.approx(1 / 3)


def test_a_class_that_the_gallery_lacks_counts_nothing():
    value = mean_average_precision(torch.eye(2), torch.tensor([0, 7]), torch.eye(2), torch.tensor([0, 1]))
    assert value == 0.5


def test_does_not_depend_on_blocks(generator, monkeypatch):
    sets = [torch.randn(9, 4, generator=generator), torch.arange(9) % 3] * 2
    expected = mean_average_precision(*sets)
    monkeypatch.setattr(average_precision, "BLOCK_SIZE", 2)
    assert mean_average_precision(*sets) == pytest.approx(expected, abs=1e-15)


def test_videos_without_a_class_are_refused():
    with pytest.raises(InputError, match="query: 1 of 2 videos have no class"):
        mean_average_precision(torch.eye(2), torch.tensor([0, -1]), torch.eye(2), torch.tensor([0, 1]))
    with pytest.raises(InputError, match="gallery: the features of 2 of 2 videos are NaN"):
        mean_average_precision(torch.eye(2), torch.tensor([0, 1]), torch.eye(2) / 0, torch.tensor([0, 1]))
