"""How long a sweep will take: what there is to compute, counted by hand, over a speed."""

import json

import pytest
from sweeping import prepare

from iic_ptv.config import load_config
from iic_ptv.launch.sweep.estimate import passes_of_clip

TRAIN, TEST, EPOCHS, CLIPS = 16, 2, 3, 1  # of sweeping.SMALL and sweeping.SWEEP
VIEWS = 2


def hours_of(printed: str, name: str) -> str:
    (line,) = (line for line in printed.splitlines() if line.startswith(f"{name}: "))
    return line


@pytest.fixture
def dry_run(sweep, tmp_path):
    """Say what a sweep file would run that ends with a text."""

    def run(text: str, *options: str) -> str:
        prepare(tmp_path, text)
        return sweep("--dry-run", "--cluster", "local", *options)

    return run


def test_videos_that_are_here_are_counted(dry_run) -> None:
    printed = dry_run("rows: {IIC: {}, CMC: {options: {INTRA_NEGATIVE: none}}, random: {train: false}}\n")
    clips, embedded = TRAIN * EPOCHS, (TRAIN + TEST) * CLIPS * VIEWS
    for name in ("IIC", "CMC"):
        assert f"{name}: new, would be submitted: {clips} clips to train on, {embedded} to embed" in printed
    assert f"random: new, would be submitted: {embedded} to embed, about 1 minute" in printed
    assert "at 100 clips/s in pre-training, which is assumed" in printed


def test_hours_are_passes_through_the_network_over_the_speed(dry_run) -> None:
    rate = 7e-3  # clips/s of two views and an intra-negative, seven passes each
    printed = dry_run("rows: {IIC: {}, CMC: {options: {INTRA_NEGATIVE: none}}}\n", "--clips-per-second", str(rate))
    clips, embedded = TRAIN * EPOCHS, (TRAIN + TEST) * CLIPS * VIEWS
    hours = {name: (clips * passes + embedded) / (7 * rate) / 3600 for name, passes in (("IIC", 7), ("CMC", 6))}
    for name, expected in hours.items():
        assert hours_of(printed, name).endswith(f"about {expected:.1f} hours")
    assert f"about {sum(hours.values()):.1f} hours in all, at 0.007 clips/s in pre-training, as given" in printed


def test_a_member_that_has_ended_tells_the_speed_of_its_backbone(dry_run, tmp_path) -> None:
    grid = "grid: {MODEL.BACKBONE: [r3d, c3d], SEED: [0, 1]}\n"
    prepare(tmp_path, grid)
    for name, rate in (("r3d-seed0", 0.01), ("c3d-seed0", 0.02)):
        folder = tmp_path / "runs" / "sweep" / "mine" / "members" / name
        for step, content in (("", {"clips_per_second": rate}), ("retrieve", {})):
            (folder / step).mkdir(parents=True, exist_ok=True)
            (folder / step / "metrics.json").write_text(json.dumps(content))
    printed = dry_run(grid, "--array-parallelism", "2")
    assert "r3d-seed0: finished, is left alone" in printed
    work = TRAIN * EPOCHS * 7 + (TRAIN + TEST) * CLIPS * VIEWS
    slow, fast = (work / (7 * rate) / 3600 for rate in (0.01, 0.02))
    assert hours_of(printed, "r3d-seed1").endswith(f"about {slow:.1f} hours")
    assert hours_of(printed, "c3d-seed1").endswith(f"about {60 * fast:.0f} minutes")
    total = f"{slow + fast:.1f} hours in all, {slow:.1f} hours with 2 at once"
    assert f"{total}, at 0.015 clips/s in pre-training, as measured here" in printed


def test_official_splits_are_known_without_their_videos(dry_run) -> None:
    rows = "rows: {IIC: {options: {DATA.KIND: ucf101, DATA.LISTS: []}}, other: {options: {DATA.KIND: flat_folder}}}\n"
    printed = dry_run(rows, "--data", "nowhere").replace("rendered", "")
    assert "other: new, would be submitted: of how many videos is not known here" in printed
    assert "name their folder with --data FOLDER" in printed


@pytest.mark.parametrize(("split", "videos"), [(1, (9537, 3783)), (2, (9586, 3734)), (3, (9624, 3696))])
def test_fine_tuning_counts_its_validation(sweep, tmp_path, split, videos) -> None:
    (tmp_path / "mine.yaml").write_text(
        f"data: nowhere\nrows: {{IIC: {{options: {{DATA.KIND: ucf101, DATA.SPLIT: {split}}}}}}}\n"
        "evaluate: {finetune: }\n"
    )
    train, test = videos
    trained, embedded = train * 240 + (train - 800) * 150, 800 * 3 * 150 + test * 10
    printed = sweep("--dry-run", "--cluster", "local")
    assert "nowhere is not on this machine" in printed
    assert f"{trained:,} clips to train on, {embedded:,} to embed" in printed
    hours = (train * 240 * 7 + (train - 800) * 150 * 3 + embedded) / 700 / 3600
    assert f"about {hours:.1f} hours in all" in printed


def test_a_speed_of_nothing_is_refused(sweep, tmp_path, capsys) -> None:
    (tmp_path / "mine.yaml").write_text("data: nowhere\ngrid: {SEED: [0]}\n")
    with pytest.raises(SystemExit, match="2"):
        sweep("--dry-run", "--clips-per-second", "0")
    assert "--clips-per-second: expected more than 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ([], 7),
        (["INTRA_NEGATIVE", "repeat,shuffle"], 8),
        (["LOSS.INTRA_GRADIENT", "True"], 9),
        (["LOSS.NAME", "in_batch"], 9),
        (["LOSS.NAME", "queue"], 9),
        (["LOSS.NAME", "queue", "INTRA_NEGATIVE", "none"], 8),
    ],
)
def test_passes_of_a_clip_are_counted(options: list[str], passes: int) -> None:
    """Three for a view, forward and backward; one for each key and each intra-negative without gradient."""
    assert passes_of_clip(load_config(None, options)) == passes
