"""Per-class retrieval, which must add up to the top-1 accuracy."""

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.evaluation.per_class import per_class_retrieval
from iic_ptv.evaluation.retrieval import retrieval_accuracy


def test_in_closed_form():
    """Query i is nearest to gallery vector i."""
    scores = per_class_retrieval(
        torch.eye(4), torch.tensor([0, 0, 2, 4]), torch.eye(4), torch.tensor([0, 1, 2, 2]), num_classes=5
    )
    torch.testing.assert_close(scores.accuracy, torch.tensor([0.5, torch.nan, 1, torch.nan, 0]), equal_nan=True)
    assert scores.queries.tolist() == [2, 0, 1, 0, 1]
    assert scores.gallery.tolist() == [1, 1, 2, 0, 0]


def test_adds_up_to_the_top_1_accuracy():
    generator = torch.Generator().manual_seed(0)
    query, gallery = torch.randn(60, 5, generator=generator), torch.randn(40, 5, generator=generator)
    query_labels, gallery_labels = (torch.randint(4, (n,), generator=generator) for n in (60, 40))
    scores = per_class_retrieval(query, query_labels, gallery, gallery_labels, num_classes=4)
    mean = (scores.accuracy * scores.queries).sum() / scores.queries.sum()
    assert mean.item() == pytest.approx(retrieval_accuracy(query, query_labels, gallery, gallery_labels, (1,))[1])


def test_classes_beyond_their_number_are_refused():
    with pytest.raises(InputError, match=r"query: a video is of class 3, but .* 0 to 2"):
        per_class_retrieval(torch.eye(2), torch.tensor([0, 3]), torch.eye(2), torch.tensor([0, 1]), num_classes=3)
