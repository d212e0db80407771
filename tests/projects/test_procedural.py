"""Pre-training on scenes in slices, and what its weights are compared with."""

import contextlib
from pathlib import Path

import pytest

from iic_ptv.cli.main import main
from iic_ptv.config import load_config
from iic_ptv.runs.checkpoint import read_checkpoint
from projects.procedural import transfer
from projects.procedural.train import HERE, arguments

TINY = [
    *("DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.CLIP_LENGTH", "4", "DATA.STRIDE", "1"),
    *("MODEL.OPTIONS.width", "0.0625", "DATA.NUM_WORKERS", "0", "TRAINER.ACCELERATOR", "cpu"),
]
PRETRAIN = [
    *("DATA.SCENES.VIDEOS", "8", "LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "2"),
    *("OPTIM.WARM_UP", "0", "MODEL.WEIGHTS", ""),
]


@pytest.mark.parametrize("config", ["scenes", "scenes_cpu"])
def test_the_same_command_begins_a_run_and_ends_it(config: str, tmp_path: Path) -> None:
    steps = []
    while (command := arguments(tmp_path, config, 1e-9, [*TINY, *PRETRAIN])) is not None:
        with contextlib.suppress(SystemExit):  # as of Ctrl-C
            main(command)
        (run,) = (tmp_path / "pretrain").iterdir()
        steps.append(read_checkpoint(run, to_resume=True).step)
    assert steps == [1, 2, 3, 4]


def test_configurations_are_of_the_whole_network_on_scenes() -> None:
    for name in ("scenes", "scenes_cpu"):
        cfg = load_config(HERE / f"{name}.yaml")
        assert (cfg.DATA.KIND, cfg.MODEL.BACKBONE, dict(cfg.MODEL.OPTIONS)) == ("scenes", "r3d", {})


def test_weights_are_measured_beside_untrained_ones(two_motions: Path, tmp_path: Path) -> None:
    run = tmp_path / "weights"
    main(["pretrain", "--data", str(two_motions / "videos"), *TINY, "OPTIM.EPOCHS", "1", "OUTPUT", str(run)])
    (checkpoint,) = (run / "pretrain").iterdir()
    overrides = [*TINY, "EVAL.NUM_CLIPS", "1", "PROBE.DRAWS", "2", "OPTIM.EPOCHS", "2"]
    figures = transfer.measure(tmp_path / "runs", two_motions, "01", str(checkpoint), 0, overrides)
    assert list(figures) == ["pre-trained", "untrained"]
    assert all(list(values) == list(transfer.MEASURES) for values in figures.values())
    started = {path.name.partition("-split")[0].split("-")[-1] for path in (tmp_path / "runs" / "finetune").iterdir()}
    assert "scratch" in started
    assert len(started) == 2
    lines = transfer.table({"weights": {"0": figures}}).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["`weights`", "– untrained, seeing the same clips"]
    assert f"({100 * figures['untrained']['fine-tuned']:.0f})" in lines[3]
