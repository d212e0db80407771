"""Tests of TRAINER.PRECISION auto: what it comes to, that all go by it, and that nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from started_together import iic_together
from torch import nn

from iic_ptv.cli.main import main
from iic_ptv.config import load_config
from iic_ptv.data.procedural import write_videos
from iic_ptv.errors import InputError
from iic_ptv.runs import precision
from iic_ptv.runs.build import build_network
from iic_ptv.runs.checkpoint import LAST, read_checkpoint
from iic_ptv.runs.folder import describe_run
from iic_ptv.runs.pretraining.pretrain import pretrain

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "TRAINER.LOG_EVERY", "1"),
    *("OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "1", "TRAINER.ACCELERATOR", "cpu"),
]


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    motions = ("translate_left", "bounce")
    write_videos(folder, motions=motions, train_per_class=4, test_per_class=0, num_frames=8, size=16, progress=False)
    return folder / "videos"


def configuration(videos: Path, *more: str):
    return load_config(None, ["DATA.ROOT", str(videos), *SMALL, *more])


@pytest.fixture
def even_small_networks(monkeypatch) -> None:
    monkeypatch.setattr(precision, "SMALL", 0)


def found_by_trial(monkeypatch, gain: float) -> None:
    """Timings differ from one time to the next; what is made of them must not."""
    monkeypatch.setattr(precision, "bfloat16_gain", lambda network, clip_shape: gain)


def test_small_networks_are_not_tried_out(videos, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(precision, "bfloat16_gain", lambda *_: pytest.fail("a trial"))
    cfg = configuration(videos)
    assert cfg.TRAINER.PRECISION == "auto"
    precision.choose_precision(cfg, tmp_path)
    assert cfg.TRAINER.PRECISION == "32-true"
    assert capsys.readouterr().out.startswith("precision: 32-true (")


def test_operations_are_those_of_the_convolutions() -> None:
    network = nn.Sequential(nn.Conv3d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 8, (1, 3, 3), stride=2))
    expected = 2 * (3 * 27) * 4 * (4 * 9 * 9) + 2 * (4 * 9) * 8 * (2 * 4 * 4)
    assert precision._forward_operations(network, (2, 3, 4, 9, 9)) == expected


@pytest.mark.parametrize(("batch_size", "tried"), [("3", False), ("4", True)])
def test_what_is_small_is_counted_over_a_batch(batch_size, tried, videos, tmp_path, monkeypatch) -> None:
    cfg = configuration(videos, "OPTIM.BATCH_SIZE", batch_size)
    trials = []
    monkeypatch.setattr(precision, "bfloat16_gain", lambda *_: trials.append(1) or 0.0)
    monkeypatch.setattr(precision, "SMALL", 3.5 * precision._forward_operations(build_network(cfg), (2, 3, 4, 16, 16)))
    precision.choose_precision(cfg, tmp_path)
    assert bool(trials) is tried


@pytest.mark.parametrize(("gain", "expected"), [(0.0, "32-true"), (1.1, "32-true"), (1.2, "bf16-mixed")])
def test_bfloat16_must_be_worth_it(gain, expected, videos, tmp_path, monkeypatch, even_small_networks, capsys) -> None:
    found_by_trial(monkeypatch, gain)
    cfg = configuration(videos)
    precision.choose_precision(cfg, tmp_path)
    assert cfg.TRAINER.PRECISION == expected  # noqa: SIM300 - an option is no constant
    assert f"precision: {expected} (" in capsys.readouterr().out


def test_a_real_trial_leaves_no_trace_but_the_precision(videos, tmp_path, even_small_networks) -> None:
    cfg = configuration(videos)
    before = torch.get_rng_state()
    precision.choose_precision(cfg, tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert cfg == configuration(videos, "TRAINER.PRECISION", cfg.TRAINER.PRECISION)
    assert cfg.TRAINER.PRECISION in ("32-true", "bf16-mixed")


def test_what_must_be_the_same_every_time_is_not_tried_out(videos, tmp_path, monkeypatch, even_small_networks) -> None:
    monkeypatch.setattr(precision, "bfloat16_gain", lambda *_: pytest.fail("a trial"))
    cfg = configuration(videos, "TRAINER.DETERMINISTIC", "True")
    precision.choose_precision(cfg, tmp_path)
    assert cfg.TRAINER.PRECISION == "32-true"


def test_a_run_goes_on_in_the_precision_that_it_began_with(videos, tmp_path, monkeypatch, even_small_networks) -> None:
    found_by_trial(monkeypatch, 2.0)
    main(["pretrain", "--data", str(videos), *SMALL, "OPTIM.SCHEDULE", "constant", "OUTPUT", str(tmp_path)])
    (run,) = (tmp_path / "pretrain").iterdir()
    assert load_config(run / "config.yaml").TRAINER.PRECISION == "bf16-mixed"
    assert read_checkpoint(run).config.TRAINER.PRECISION == "bf16-mixed"

    found_by_trial(monkeypatch, 0.5)
    main(["pretrain", "--resume", str(run), "OPTIM.EPOCHS", "2"])
    assert load_config(run / "config-2.yaml").TRAINER.PRECISION == "bf16-mixed"
    assert read_checkpoint(run).config.TRAINER.PRECISION == "bf16-mixed"


def test_the_run_is_the_one_that_names_its_precision(videos, tmp_path, monkeypatch, even_small_networks) -> None:
    found_by_trial(monkeypatch, 2.0)
    states = []
    for name in ("auto", "bf16-mixed"):
        (tmp_path / name).mkdir()
        result = pretrain(configuration(videos, "TRAINER.PRECISION", name), tmp_path / name)
        states.append(result.task.networks.state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


GAIN_IN_FIRST = """
from iic_ptv.processes import launched_processes
from iic_ptv.runs import precision

def gain(*_):
    assert launched_processes().rank == 0
    return 2.0

precision.SMALL, precision.bfloat16_gain = 0, gain
"""


@pytest.mark.slow
def test_processes_that_start_together_go_by_the_first(videos, tmp_path, monkeypatch) -> None:
    (tmp_path / "gain_in_first.py").write_text(GAIN_IN_FIRST)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    options = [*SMALL, "PLUGINS", "[gain_in_first]"]
    ended = iic_together("pretrain", "--data", videos, *options, processes=2, folder=tmp_path / "run")
    assert not any(each.returncode for each in ended), ended
    assert [each.stdout.count("precision: bf16-mixed") for each in ended] == [1, 0]
    state = torch.load(tmp_path / "run" / LAST, weights_only=True)
    assert state["global_step"] == 1
    assert read_checkpoint(tmp_path / "run").config.TRAINER.PRECISION == "bf16-mixed"


def test_processes_that_the_first_starts_go_by_the_run_folder(videos, tmp_path, monkeypatch) -> None:
    for name in ("32-true", "bf16-mixed"):  # the run was gone on with
        describe_run(tmp_path, configuration(videos, "TRAINER.PRECISION", name).dump())
    monkeypatch.setenv("LOCAL_RANK", "1")
    cfg = configuration(videos)
    precision.choose_precision(cfg, tmp_path)
    assert cfg.TRAINER.PRECISION == "bf16-mixed"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["TRAINER.PRECISION", "bf17"], "TRAINER: .*bf17"),
        (["TRAINER.COMPILE", "fast"], r"TRAINER\.COMPILE: expected one of default"),
        (
            ["TRAINER.COMPILE", "default", "TRAINER.ACTIVATION_CHECKPOINTING", "True"],
            "ACTIVATION_CHECKPOINTING to False",
        ),
    ],
)
def test_unknown_values_are_named(videos, tmp_path, option, message) -> None:
    with pytest.raises(InputError, match=message):
        pretrain(configuration(videos, *option), tmp_path)
