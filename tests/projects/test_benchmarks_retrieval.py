"""The benchmark of retrieval, at its smallest; times are not judged."""

import json

import pytest

from projects.benchmarks import data, retrieval
from projects.benchmarks.retrievers import CONTENDERS, Sizes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    sizes = Sizes(queries=20, gallery=50, clips=2, dimensions=64, classes=5)
    return json.loads(json.dumps(retrieval.measure(tmp_path_factory.mktemp("clips"), sizes, rounds=1)))


def test_all_find_the_same(results) -> None:
    differing = {name: each["hits_that_differ"] for name, each in results["contenders"].items()}
    assert differing == {
        "NumPy, float32": 0, "NumPy, float64": 0, "ours": 0, "floor, float32": None, "floor, bfloat16": None
    }  # fmt: skip
    assert 0 < results["accuracy"]["1"] < results["accuracy"]["50"] == 1


def test_all_take_time_and_memory(results) -> None:
    for contender in results["contenders"].values():
        assert contender["seconds"]["all but reading"] > 0
        assert contender["peak_mb"] > 10


def test_tables_have_whole_rows(results) -> None:
    for table in retrieval.tables(results):
        assert len(table.rows) == len(CONTENDERS)
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_the_document_has_the_table_of_the_results() -> None:
    text = data.README.read_text()
    assert "<!-- retrieval -->" in text
    assert data.with_tables(text, {"retrieval": json.loads(retrieval.RESULTS.read_text())}) == text
