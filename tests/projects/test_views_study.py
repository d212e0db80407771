"""More views, a network for each, other intra-negatives: every configuration trains, and the sweep has them all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from iic_ptv.cli.main import main
from iic_ptv.config import load_config
from iic_ptv.data.procedural import write_videos
from iic_ptv.launch.sweep.file import read_sweep
from iic_ptv.runs.checkpoint import read_checkpoint

PROJECT = Path(__file__).parents[2] / "projects" / "views"
SWEEP = PROJECT / "sweep.yaml"
CONFIGURATIONS = sorted(file for file in PROJECT.glob("*.yaml") if file != SWEEP)
TINY = [
    *("DATA.KIND", "auto", "DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16"),
    *("DATA.NUM_WORKERS", "0", "MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "4"),
    *("TRAINER.ACCELERATOR", "cpu", "OPTIM.EPOCHS", "1", "OPTIM.SCHEDULE", "constant", "LOSS.FILL_BANKS", "True"),
]
BANKS = {"four_views": 5, "several_negatives": 4}


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    motions = ("translate_left", "bounce")
    return write_videos(
        folder, motions=motions, train_per_class=2, test_per_class=0, num_frames=8, size=16, progress=False
    )


def pretrained(videos: Path, output: Path, file: Path, *options: str) -> Path:
    """The run folder of the command on four videos: one step an epoch."""
    arguments = ["--config", str(file), "--data", str(videos / "videos"), *TINY, "OUTPUT", str(output), *options]
    main(["pretrain", *arguments])
    (folder,) = (output / "pretrain").iterdir()
    return folder


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.stem)
def test_every_configuration_makes_a_step(videos, tmp_path, file) -> None:
    of_flow = "flow_u" in load_config(file).VIEWS
    if of_flow:
        pytest.importorskip("cv2", reason="needs the extra flow")
    checkpoint = read_checkpoint(pretrained(videos, tmp_path, file, *(["DATA.FLOW", "dis"] if of_flow else [])))
    assert checkpoint.step == 1
    assert checkpoint.bank_shape == (BANKS.get(file.stem, 3), 4, 32)
    assert len(checkpoint.networks) == (2 if file.stem == "network_per_view" else 1)
    assert all(torch.isfinite(value).all() for network in checkpoint.networks for value in network.values())


@pytest.mark.parametrize("name", ["several_negatives", "composed_negatives", "with_gradient"])
def test_the_command_goes_on_as_if_it_had_not_stopped(videos, tmp_path, name) -> None:
    file = PROJECT / f"{name}.yaml"
    whole = read_checkpoint(pretrained(videos, tmp_path / "whole", file, "OPTIM.EPOCHS", "2"))
    begun = pretrained(videos, tmp_path / "parts", file)
    main(["pretrain", "--resume", str(begun), "OPTIM.EPOCHS", "2"])
    resumed = read_checkpoint(begun)
    assert resumed.step == whole.step == 2
    for key, value in whole.state_dict.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, resumed.state_dict[key]), key


def test_the_paper_is_the_baseline_and_the_others_differ_from_it_in_one_group() -> None:
    base, paper = load_config(PROJECT / "base.yaml"), load_config(None)
    assert {key for key in base if base[key] != paper[key]} == {"DATA"}
    for file in CONFIGURATIONS:
        cfg = load_config(file)
        changed = {key for key in cfg if cfg[key] != base[key]}
        assert len(changed - {"DATA"}) == (file.stem != "base"), file


def test_the_sweep_has_every_configuration() -> None:
    sweep = read_sweep(SWEEP)
    assert {Path(row.config).resolve() for row in sweep.rows.values()} == {file.resolve() for file in CONFIGURATIONS}
    for row in sweep.rows.values():
        options = [word for key, value in row.options.items() for word in (key, str(value))]
        load_config(row.config, options)
