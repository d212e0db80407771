"""MODEL_ZOO.md and the README's table say what the records say."""

from dataclasses import replace
from pathlib import Path

import pytest
from published_checkpoint import NAME, publish_checkpoint

from iic_ptv.zoo.catalogue import catalogue_folder, records
from iic_ptv.zoo.figure_tables import headlines
from iic_ptv.zoo.record import MEASURED, REPORTED, Metric, Record
from iic_ptv.zoo.tables import model_zoo_page, page_texts, readme_table, with_table


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> Record:
    record = publish_checkpoint(tmp_path_factory.mktemp("zoo"))
    metrics = (
        Metric("retrieval top-1", 30.0, "nothing", "rgb; 10 clips", MEASURED, 8.0),
        Metric("retrieval top-1", 40.04, "nothing", "rgb + residual jointly; 10 clips", MEASURED, 9.0),
        Metric("retrieval mAP", 20.0, "nothing", "rgb + residual jointly; 10 clips", MEASURED),
        Metric("5-shot linear top-1", 50.0, "nothing", "rgb; 10 clips", MEASURED),
        Metric("recognition top-1", 60.0, "UCF101", "residual; 10 clips", MEASURED),
    )
    return replace(record, metrics=metrics, parameters=1_250_000)


@pytest.fixture
def theirs(record) -> Record:
    metric = Metric("retrieval top-1", 36.5, "UCF101", "rgb; 10 clips", REPORTED, date="the paper")
    published = {"published": "https://example.org/r3d.pth", "how_to_convert": "iic convert r3d.pth"}
    return replace(record, name="r3d.theirs", files=(), metrics=(metric,), **published)


def test_pages_are_those_of_the_records() -> None:
    """If this fails: python -m iic_ptv.zoo.tables."""
    zoo = catalogue_folder()
    pages = page_texts(zoo, records(zoo))
    assert {path.name for path in pages} == {"MODEL_ZOO.md", "README.md"}
    for path, text in pages.items():
        assert path.read_text() == text, path
    assert readme_table(records(zoo).values()) in (zoo.parent / "README.md").read_text()


def test_overviews_show_the_joint_figures_beside_the_untrained_networks(record) -> None:
    assert headlines(record) == ["nothing: retrieval 40.0 (9.0)", "UCF101: recognition 60.0"]
    (row,) = [line for line in readme_table([record]).splitlines() if NAME in line]
    assert "40.0 (9.0)" in row
    assert "1.2 M" in row
    assert "(default)" not in row
    assert f"`{NAME}` (default)" in readme_table([replace(record, default=True)])


def test_ours_and_those_of_others_are_kept_apart(record, theirs) -> None:
    page = model_zoo_page([record, theirs])
    ours, rest = page.split("## Of others")
    others, details = rest.split("## Details")
    assert record.files[0].file in ours
    assert theirs.name not in ours
    assert "https://example.org/r3d.pth" in others
    assert "`iic convert r3d.pth`" in others
    assert "reported: top-1, %" in others
    assert readme_table([theirs]) == "None yet."
    assert all(file.sha256 in details for file in record.files)
    assert all(metric.how in details for metric in (*record.metrics, *theirs.metrics))
    assert "| % | rgb | rgb + residual jointly | protocol |" in details
    assert "| retrieval top-1 | 30.0 (8.0) | 40.0 (9.0) | 10 clips |" in details
    assert "reported at the paper" in details


def test_text_cannot_break_a_table(record) -> None:
    bars = replace(record, pretraining=replace(record.pretraining, data="a | b\nc"))
    (row,) = [line for line in readme_table([bars]).splitlines() if NAME in line]
    assert r"a \| b c" in row


def test_the_table_goes_between_its_marks_and_nothing_else_changes() -> None:
    text = "before\n<!-- other -->\nx\n<!-- end -->\n<!-- zoo -->\nold\n<!-- end -->\nafter <!-- end -->\n"
    once = with_table(text, "| new |")
    assert once == text.replace("old", "\n| new |\n")
    assert with_table(once, "| new |") == once
    assert with_table("no marks", "| new |") == "no marks"


def test_only_our_own_zoo_is_shown_in_the_readme(tmp_path: Path, record) -> None:
    (tmp_path / "README.md").write_text("<!-- zoo -->\n<!-- end -->\n")
    assert list(page_texts(tmp_path / "model_zoo", {NAME: record})) == [tmp_path / "model_zoo/MODEL_ZOO.md"]
