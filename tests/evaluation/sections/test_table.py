from parsed_page import Page, html_of

from iic_ptv.evaluation.sections import Table
from iic_ptv.evaluation.sections.table import LONG


def test_cells_are_texts_or_numbers(tmp_path):
    table = Table("Classes", ["class", "videos", "top-1, %"], [["spin", 1200, 62.54], ["orbit", 3, "–"]], "A note.")
    page = Page(html_of(tmp_path, table))
    assert page.rows == [["class", "videos", "top-1, %"], ["spin", "1200", "62.5"], ["orbit", "3", "–"]]
    assert "A note." in page.texts


def test_columns_of_numbers_stand_at_the_right():
    rows = [["a", 1, "–", "spin", "12 %"], ["b", 2.5, "3", "7", "−1"]]
    assert Table("", ["", "", "", "", ""], rows).numeric_columns == {1, 2, 4}


def test_best_cells_stand_out(tmp_path):
    page = Page(
        html_of(tmp_path, Table("Runs", ["", "a", "b"], [["top1", "1", "2"], ["map", "3", "4"]], best={(1, 2)}))
    )
    cells = page.of_tag("td")
    assert [("best" in cell["class"]) for cell in cells] == [False, False, False, True]


def test_long_tables_are_folded(tmp_path):
    rows = [[str(number), number] for number in range(LONG + 1)]
    assert not Page(html_of(tmp_path, Table("", ["", ""], rows[:LONG]))).of_tag("details")
    assert len(Page(html_of(tmp_path, Table("", ["", ""], rows))).of_tag("details")) == 1
