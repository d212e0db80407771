"""What is refused, and what only looks as if it should be."""

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.evaluation.checks import check_features, check_labels, name_classes


@pytest.mark.parametrize("bad", [[torch.nan, 1], [torch.inf, 1], [torch.inf, -torch.inf]])
def test_names_the_first_video_with_features_that_are_not_finite(bad):
    features = torch.tensor([[1.0, 2.0], bad, [3.0, 4.0], bad])
    with pytest.raises(InputError, match=r"gallery: the features of 2 of 4 videos .*the first is video 1"):
        check_features("gallery", features)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_large_features_are_finite_though_their_sum_is_not(dtype):
    check_features("gallery", torch.full((2, 3), torch.finfo(dtype).max, dtype=dtype))


def test_labels_may_leave_classes_out():
    check_labels("query", torch.eye(2), torch.tensor([0, 7]))
    check_labels("query", torch.eye(2), torch.tensor([0, 7]), num_classes=8)


def test_names_classes_as_far_as_they_have_names():
    assert name_classes([0, 2], ["run", "jump"]) == "run, 2"
    assert name_classes(list(range(8)), []) == "0, 1, 2, 3, 4 and 3 more"
