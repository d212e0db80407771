"""The study of what features are worth, here at its smallest: every figure of its table, and nothing run twice."""

import json
from pathlib import Path

import pytest

from projects.worth import study

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "OPTIM.EPOCHS", "1", "EVAL.NUM_CLIPS", "2", "PROBE.DRAWS", "2"),
    *("LOSS.NUM_NEGATIVES", "4", "TRAINER.ACCELERATOR", "cpu", "RECOGNITION.VALIDATION_VIDEOS", "0"),
]


@pytest.fixture
def collection(two_motions: Path) -> study.Collection:
    return study.Collection("procedural", "Rendered", lambda _: two_motions, "01")


@pytest.mark.slow
def test_a_network_is_measured_once(collection: study.Collection, tmp_path: Path) -> None:
    output = tmp_path / "runs"
    figures = {
        name: study.measure(output, collection, 0, name, [*SMALL, "OPTIM.SCHEDULE", "constant", "OPTIM.WARM_UP", "0"])
        for name in ("untrained", "iic")
    }
    assert all(set(values) == {each.label for each in study.MEASURES} for values in figures.values())
    assert all(0 <= value <= 1 for values in figures.values() for value in values.values())
    runs = sorted(output.glob("*/*"))
    assert [run.parent.name for run in runs].count("pretrain") == 1
    assert study.measure(output, collection, 0, "iic", SMALL) == figures["iic"]
    assert sorted(output.glob("*/*")) == runs


def test_the_table_has_a_row_for_every_network() -> None:
    seeds = {
        str(seed): {name: {each.label: 0.2 * seed for each in study.MEASURES} for name in study.NETWORKS}
        for seed in (1, 2)
    }
    results = {"collections": {"procedural": {"label": "Rendered", "chance": 0.25, "seeds": seeds}}}
    lines = study.table(json.loads(json.dumps(results))).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["**Rendered**", "Untrained", "CMC", "IIC", "chance"]
    assert lines[3].split("|")[2].strip() == "30.0 (20, 40)"
    assert len({line.count("|") for line in lines}) == 1
