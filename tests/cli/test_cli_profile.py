"""``iic profile``: where the time of a training step goes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from iic_ptv.cli.main import main
from iic_ptv.config import load_config
from iic_ptv.data.procedural import write_videos
from iic_ptv.runs.profiling.step_profile import PARTS
from iic_ptv.runs.profiling.stopwatch import REST

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "4"),
    *("TRAINER.ACCELERATOR", "cpu", "TRAINER.PRECISION", "32-true", "OPTIM.EPOCHS", "1", "OPTIM.SCHEDULE", "one_cycle"),
]


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    folder = write_videos(
        tmp_path_factory.mktemp("videos"),
        motions=("translate_left", "spin_clockwise"),
        train_per_class=4,
        test_per_class=0,
        num_frames=8,
        size=16,
        progress=False,
    )
    return folder / "videos"


@pytest.mark.parametrize(
    "options",
    [[], ["OPTIM.ACCUMULATE", "2", "TRAINER.ACTIVATION_CHECKPOINTING", "True", "INTRA_NEGATIVE", "none"]],
    ids=["default", "accumulating"],
)
def test_parts_add_up_and_the_trace_names_them(videos, tmp_path, capsys, options) -> None:
    main(["profile", "--data", str(videos), "--steps", "4", "-o", str(tmp_path / "out"), *SMALL, *options])
    numbers = json.loads((tmp_path / "out" / "profile.json").read_text())
    parts = {part: timing["ms"] for part, timing in numbers["parts"].items()}
    assert list(parts) == list(PARTS)
    without = {"forward, intra-negative"} if options else set()
    assert {part for part, ms in parts.items() if not ms > 0} == without
    assert sum(parts.values()) == pytest.approx(numbers["step_ms"], rel=1e-6)
    assert sum(timing["share"] for timing in numbers["parts"].values()) == pytest.approx(1)
    assert numbers["steps"] == 4
    clips = 8 if options else 4
    assert numbers["clips_per_second"] == pytest.approx(1000 * clips / numbers["step_ms"])
    assert 0 < numbers["convolution_share"] < 1
    assert 0 < numbers["peak_share"] < 1

    trace = json.loads((tmp_path / "out" / "trace.json").read_text())
    named = {event["name"] for event in trace["traceEvents"] if event.get("name", "").startswith("iic.")}
    assert named == {f"iic.{part}" for part in PARTS if part != REST} - {f"iic.{part}" for part in without}
    assert load_config(tmp_path / "out" / "config.yaml").OPTIM.BATCH_SIZE == 4
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("profile.json", "trace.json", "config.yaml", "versions.json")
    }
    shown = capsys.readouterr().out
    assert numbers["first_thing_to_change"] in shown
    assert "waiting for clips" in shown
    assert "clips/s" in shown


def test_without_videos_some_are_rendered_and_the_run_gets_a_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "small.yaml"
    config.write_text("MODEL: {BACKBONE: c3d, OPTIONS: {width: 0.0625}}\n")
    main(["profile", str(config), "--steps", "1", *SMALL])
    (folder,) = (each for each in (tmp_path / "runs/profile").iterdir() if each.name != "videos")
    assert json.loads((folder / "profile.json").read_text())["steps"] == 1
    assert "c3d" in folder.name
    assert list((tmp_path / "runs/profile/videos").rglob("*.mp4"))


def test_operations_are_those_of_the_step(videos, tmp_path) -> None:
    counted = {}
    for name, options in (
        ("plain", []),
        ("two", ["OPTIM.ACCUMULATE", "2"]),
        ("recomputing", ["TRAINER.ACTIVATION_CHECKPOINTING", "True"]),
    ):
        main(["profile", "--data", str(videos), "--steps", "1", "-o", str(tmp_path / name), *SMALL, *options])
        counted[name] = json.loads((tmp_path / name / "profile.json").read_text())["operations"]
    assert counted["two"] == 2 * counted["plain"]
    assert counted["plain"] < counted["recomputing"] < 1.5 * counted["plain"]


def test_what_cannot_be_profiled_is_named(videos, tmp_path, capsys) -> None:
    (tmp_path / "file").write_text("")
    for options, message in [
        (["--steps", "0"], "--steps: expected 1 or more"),
        (["-o", str(tmp_path / "file")], "--output: .*file cannot be made"),
        (["DATA.CROP", "32"], "cannot cut 32 x 32"),
        (["DATA.CROPP", "32"], "DATA.CROPP"),
        (["TRAINER.PRECISION", "8"], "TRAINER"),
    ]:
        with pytest.raises(SystemExit) as ended:
            main(["profile", "--data", str(videos), *SMALL, "OUTPUT", str(tmp_path), *options])
        assert ended.value.code == 2
        assert re.search(message, capsys.readouterr().err)
    assert not list((tmp_path / "profile").iterdir())
