import pytest
import torch
from parsed_page import Page, html_of

from iic_ptv.errors import InputError
from iic_ptv.evaluation.sections import ConfusionMatrix

CONFUSION = torch.tensor([[3, 1, 0], [0, 0, 0], [2, 2, 4]])
NAMES = ["spin", "orbit", "bounce"]


def test_shares_are_of_rows_and_classes_without_videos_have_none():
    cells = ConfusionMatrix(CONFUSION, NAMES).cells
    assert [(cell.row, cell.column, cell.count, cell.share) for cell in cells] == [
        *((0, 0, 3, 0.75), (0, 1, 1, 0.25)),
        *((2, 0, 2, 0.25), (2, 1, 2, 0.25), (2, 2, 4, 0.5)),
    ]


def test_rows_are_true_classes(tmp_path):
    page = Page(html_of(tmp_path, ConfusionMatrix(CONFUSION, NAMES)))
    assert "spin, taken for orbit: 1 (25.0 %)" in page.texts
    assert "bounce, taken for spin: 2 (25.0 %)" in page.texts
    assert len(page.of_class("right")) == 2
    assert [text for text in page.texts if text in NAMES[:2]].count("spin") >= 2  # beside the rows and the columns


def test_the_greatest_confusions_are_named_with_the_largest_share_first():
    confused = ConfusionMatrix(torch.tensor([[1, 1, 0], [0, 9, 3], [0, 4, 0]]), NAMES).greatest_confusions
    assert [(cell.row, cell.column) for cell in confused] == [(2, 1), (0, 1), (1, 2)]


@pytest.mark.parametrize("size", [1, 6, 101])
def test_any_number_of_classes_fits_a_wide_page(tmp_path, size):
    matrix = ConfusionMatrix(torch.eye(size, dtype=torch.long), [f"class number {i}" for i in range(size)])
    (svg,) = Page(html_of(tmp_path, matrix)).of_class("confusion")
    assert float(svg["width"]) <= 1076
    assert matrix.has_counts == (size < 101)


def test_long_names_are_cut_beside_the_matrix_and_whole_in_the_titles(tmp_path):
    name = "a class whose name is far too long for this"
    page = Page(html_of(tmp_path, ConfusionMatrix(torch.tensor([[1]]), [name])))
    assert name not in page.texts
    assert f"{name}, taken for {name}: 1 (100.0 %)" in page.texts


def test_names_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="2 class names"):
        ConfusionMatrix(CONFUSION, ["spin", "orbit"])
