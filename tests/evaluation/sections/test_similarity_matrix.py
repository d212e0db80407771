import pytest
import torch
from parsed_page import Page, html_of

from iic_ptv.errors import InputError
from iic_ptv.evaluation.sections import SimilarityMatrix

SIMILARITY = torch.tensor([[1.0, 0.8], [0.8, 1.0]], dtype=torch.float64)


def test_values_stand_in_rows_by_their_label(tmp_path):
    page = Page(html_of(tmp_path, SimilarityMatrix(SIMILARITY, ["rgb", "shuffle"])))
    assert page.rows == [["1", "2"], ["1 rgb", "1.000", "0.800"], ["2 shuffle", "0.800", "1.000"]]


def test_shades_span_the_range_that_occurs():
    matrix = SimilarityMatrix(SIMILARITY, ["rgb", "shuffle"])
    assert [matrix.shade(value) for value in (0.8, 0.9, 1.0)] == pytest.approx([0, 0.5, 1])
    assert SimilarityMatrix(torch.ones(1, 1), ["rgb"]).shade(1.0) == 1


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="3 labels"):
        SimilarityMatrix(SIMILARITY, ["a", "b", "c"])
