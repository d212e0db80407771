"""The benchmark of feature extraction, at its smallest; times are not judged."""

import json

import pytest
import torch

from projects.benchmarks import data, extractors, inference
from projects.benchmarks.inference import Sizes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Of R3D-18 alone, as the other network's pooling asks for large clips."""
    sizes = Sizes({"r3d_18": (3, 2, 16, 16)}, (3, 2, 16, 16), videos=3, batches=(1, 2), rounds=1)
    return json.loads(json.dumps({"cpu": data.measure("inference", sizes=sizes)}))


def test_all_ways_give_the_same_features(results) -> None:
    ways = results["cpu"]["networks"]["r3d_18"]["ways"]
    assert list(ways) == ["torchvision, float32", "torchvision, bfloat16", "ours, float32", "ours, bfloat16"]
    assert all(way["clips_per_s"] > 0 for way in ways.values())
    assert ways["ours, float32"]["least_cosine"] == pytest.approx(1, abs=1e-6)
    assert ways["ours, bfloat16"]["least_cosine"] > 0.9995
    assert results["cpu"]["batches"]["same_bits"]


def test_pytorchvideos_network_gives_the_features_of_ours() -> None:
    theirs, ours = extractors.same_networks("slow_r50")
    clips = torch.rand(1, 3, 8, 224, 224)
    with torch.inference_mode():  # as many clips as we let pass at once would take long
        torch.testing.assert_close(ours(clips), extractors.as_it_is(theirs, clips))


def test_threads_are_those_of_before(results) -> None:
    assert torch.get_num_threads() == 1


def test_tables_have_whole_rows(results) -> None:
    networks, batches = inference.tables(results)
    assert [row[0] for row in batches.rows] == ["1", "2"]
    assert len(networks.rows) == 4
    for table in (networks, batches):
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_the_document_has_the_tables_of_the_results() -> None:
    text = data.README.read_text()
    assert "<!-- inference -->" in text
    assert data.with_tables(text, {"inference": json.loads(inference.RESULTS.read_text())}) == text
