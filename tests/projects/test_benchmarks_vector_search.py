"""The benchmark of search, at its smallest; times are not judged."""

import json

import pytest

from projects.benchmarks import data, vector_search

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("indices")
    return json.loads(json.dumps(vector_search.measure(folder, sizes=(300, 2000), num_queries=3)))


def test_exact_engines_find_the_same(results) -> None:
    for size in results["sizes"]:
        assert size["recall"]["exact"] == size["recall"]["faiss"] == 1
        assert 0 <= size["recall"]["faiss-ivf"] <= 1


def test_all_take_time(results) -> None:
    for size in results["sizes"]:
        assert all(ms > 0 for latency in size["latency_ms"].values() for ms in latency.values())
        assert all(engine["ready_s"] > 0 for engine in size["engines"].values())


def test_clips_of_a_video_are_alike_and_those_of_a_topic_less_so() -> None:
    clips = vector_search._clips(400, 2, seed=1).unflatten(0, (400, 2))
    within = (clips[:, 0] * clips[:, 1]).sum(dim=1)
    assert within.mean() == pytest.approx(1.64 / 2, abs=0.02)
    between = clips[:, 0] @ clips[:, 1].T
    assert between.fill_diagonal_(0).median().abs() < 0.02


def test_tables_have_whole_rows(results) -> None:
    (table,) = vector_search.tables(results)
    assert len(table.rows) == 2 * (1 + len(vector_search.ENGINES))
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_the_document_has_the_table_of_the_results() -> None:
    text = data.README.read_text()
    assert "<!-- vector_search -->" in text
    assert data.with_tables(text, {"vector_search": json.loads(vector_search.RESULTS.read_text())}) == text
