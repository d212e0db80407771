"""Scores of a classifier against scikit-learn."""

import pytest
import torch
from sklearn.metrics import confusion_matrix, recall_score, top_k_accuracy_score

from iic_ptv.errors import InputError
from iic_ptv.evaluation.classification import classification_scores


def test_equals_scikit_learn():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(200, 8, generator=generator)
    labels = torch.randint(8, (200,), generator=generator)
    scores = classification_scores(logits, labels)
    predicted = logits.argmax(dim=1)
    assert scores.top1 == pytest.approx(top_k_accuracy_score(labels, logits, k=1))
    assert scores.top5 == pytest.approx(top_k_accuracy_score(labels, logits, k=5))
    assert scores.confusion.tolist() == confusion_matrix(labels, predicted).tolist()
    assert scores.per_class.tolist() == pytest.approx(recall_score(labels, predicted, average=None).tolist())


def test_classes_without_a_video():
    scores = classification_scores(torch.tensor([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]]), torch.tensor([2, 4]), 5)
    torch.testing.assert_close(
        scores.per_class, torch.tensor([torch.nan, torch.nan, 1.0, torch.nan, 0.0]), equal_nan=True
    )
    assert scores.confusion.nonzero().tolist() == [[2, 2], [4, 0]]
    assert (scores.top1, scores.top5) == (0.5, 0.5)


def test_classes_that_the_classifier_does_not_know():
    logits = torch.tensor([[0.0, -torch.inf, 1.0], [1.0, -torch.inf, 0.0]])
    assert classification_scores(logits, torch.tensor([2, 1])).top1 == 0.5


def test_of_equal_scores_the_lowest_classes_come_first():
    scores = classification_scores(torch.zeros(7, 7), torch.arange(7))
    assert scores.top1 == pytest.approx(1 / 7)
    assert scores.top5 == pytest.approx(5 / 7)
    assert scores.confusion[:, 0].tolist() == [1] * 7


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (torch.full((2, 3), torch.nan), [0, 1], "2 of 2 videos are NaN"),
        (torch.zeros(2, 3), [0, -1], "1 of 2 videos have no class"),
        (torch.zeros(2, 3), [0, 3], "class 3"),
        (torch.zeros(2, 3), [0], "one label for each"),
        (torch.zeros(0, 3), [], "logits"),
    ],
)
def test_unusable_input_is_refused(logits, labels, message):
    with pytest.raises(InputError, match=message):
        classification_scores(logits, torch.tensor(labels, dtype=torch.long))
