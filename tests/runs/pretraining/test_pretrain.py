"""Pre-training runs: what they leave, and that an interrupted one ends with the bits of an uninterrupted one."""

import csv
import json
import math
import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from torch import nn

from iic_ptv.cli.main import main
from iic_ptv.config import load_config
from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.collections import class_folders
from iic_ptv.data.flow.files import write_flow
from iic_ptv.data.preparation.check import check_collection
from iic_ptv.data.procedural import write_videos
from iic_ptv.errors import InputError, RunInterrupted
from iic_ptv.registry import VIEWS
from iic_ptv.runs.build import build_index
from iic_ptv.runs.checkpoint import LAST, read_checkpoint
from iic_ptv.runs.evaluation.retrieve import retrieve
from iic_ptv.runs.evaluation.sources import evaluation_indices
from iic_ptv.runs.folder import create_run_folder
from iic_ptv.runs.pretraining.pretrain import pretrain, run_name

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "TRAINER.LOG_EVERY", "1"),
    *("OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "3", "TRAINER.ACCELERATOR", "cpu", "LOSS.FILL_BANKS", "True"),
]
STEPS_PER_EPOCH = 3  # 12 videos


class InterruptingView(nn.Module):
    """RGB, but pressing Ctrl-C when it has been shown a given number of batches."""

    modality_key = "video"
    batches_left = -1

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if self.training and torch.is_grad_enabled():
            InterruptingView.batches_left -= 1
            if InterruptingView.batches_left == 0:
                os.kill(os.getpid(), signal.SIGINT)
        return clip


@pytest.fixture(autouse=True)
def interrupting_view(monkeypatch) -> None:
    """Register the view for one test alone; others are parametrised over the registry."""
    monkeypatch.setitem(VIEWS._obj_map, "interrupting", InterruptingView)
    monkeypatch.setattr(InterruptingView, "batches_left", -1)


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    motions = ("translate_left", "translate_right", "spin_clockwise")
    return write_videos(
        folder, motions=motions, train_per_class=4, test_per_class=2, num_frames=8, size=16, progress=False
    )


def configuration(videos: Path, *more: str):
    return load_config(
        None,
        ["DATA.ROOT", str(videos / "videos"), "DATA.LISTS", str(videos / "splits/trainlist01.txt"), *SMALL, *more],
    )


def test_a_run_leaves_all_that_is_needed_to_repeat_and_read_it(videos, tmp_path) -> None:
    cfg = configuration(videos)
    result = pretrain(cfg, tmp_path)
    assert load_config(tmp_path / "config.yaml") == cfg
    versions = json.loads((tmp_path / "versions.json").read_text())
    assert versions["torch"] == torch.__version__.split("+")[0]
    assert {"command", "commit", "iic_ptv", "lightning"} <= set(versions)
    assert list((tmp_path / "logs/tensorboard").glob("events.*"))
    with (tmp_path / "logs/version_0/metrics.csv").open() as file:
        steps = [row for row in csv.DictReader(file) if row["train/loss"]]
    assert len(steps) == 3 * STEPS_PER_EPOCH
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert (metrics["epochs"], metrics["steps"], metrics["videos"], metrics["bad_videos"]) == (3, 9, 12, 0)

    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.config == cfg
    assert checkpoint.step == 9
    for name, value in result.task.state_dict().items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(checkpoint.state_dict[name], value), name


@pytest.mark.parametrize("workers", ["0", pytest.param("2", marks=pytest.mark.slow)])
@pytest.mark.parametrize("step", [1, 2, 3, 5, 8])
def test_interrupted_at_any_step_and_resumed_ends_with_the_same_bits(videos, tmp_path, step, workers) -> None:
    cfg = configuration(videos, "VIEWS", "[interrupting, residual]")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    InterruptingView.batches_left = -1
    expected = pretrain(cfg, whole).task.state_dict()

    InterruptingView.batches_left = step
    cfg.DATA.NUM_WORKERS = int(workers)
    with pytest.raises(RunInterrupted, match=str(LAST)):
        pretrain(cfg, parts)
    checkpoint = read_checkpoint(parts)
    assert checkpoint.step == step
    resumed = pretrain(cfg, parts, resume=checkpoint).task.state_dict()

    assert expected.keys() == resumed.keys()
    for name, value in expected.items():
        assert torch.equal(value, resumed[name]) if isinstance(value, torch.Tensor) else value == resumed[name], name


@pytest.mark.parametrize(
    "options",
    [
        ["INTRA_NEGATIVE", "repeat,shuffle+rotate"],
        ["INTRA_NEGATIVE", "freeze,shuffle_frames", "LOSS.INTRA_GRADIENT", "True", "LOSS.BANKS", "sharded"],
        ["VIEWS", "[interrupting, residual, flow_u, flow_v]", "DATA.FLOW", "dis", "MODEL.PER_VIEW", "True"],
    ],
    ids=["several", "with gradient", "a network for each of four views"],
)
def test_what_goes_beyond_the_paper_is_resumed_with_the_same_bits(videos, tmp_path, options) -> None:
    pytest.importorskip("cv2")
    cfg = configuration(videos, "OPTIM.EPOCHS", "2", "VIEWS", "[interrupting, residual]", *options)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    expected = pretrain(cfg, whole).task
    InterruptingView.batches_left = 4
    with pytest.raises(RunInterrupted):
        pretrain(cfg, parts)
    resumed = pretrain(cfg, parts, resume=read_checkpoint(parts)).task
    assert torch.equal(expected.loss.bank.features, resumed.loss.bank.features)
    for (name, value), other in zip(expected.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(value, other) if isinstance(value, torch.Tensor) else value == other, name


@pytest.mark.parametrize(("batch", "step"), [(1, 1), (2, 1), (4, 3), (6, 4)])
def test_a_stop_waits_for_the_batches_that_make_a_step(videos, tmp_path, batch, step) -> None:
    options = ("VIEWS", "[interrupting, residual]", "OPTIM.ACCUMULATE", "2", "OPTIM.SCHEDULE", "cosine")
    cfg = configuration(videos, *options, "TRAINER.LOG_EVERY", "1")  # of an epoch's 3 batches, 2 make a step, then 1
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    InterruptingView.batches_left = -1
    expected = pretrain(cfg, whole)
    assert expected.metrics["steps"] == 6
    assert expected.metrics["lr-SGD"] == pytest.approx(0.01 * (1 + math.cos(math.pi * 5 / 6)) / 2)

    InterruptingView.batches_left = batch
    with pytest.raises(RunInterrupted):
        pretrain(cfg, parts)
    checkpoint = read_checkpoint(parts)
    assert checkpoint.step == step
    resumed = pretrain(cfg, parts, resume=checkpoint)
    assert resumed.metrics["steps"] == 6
    states = expected.task.state_dict(), resumed.task.state_dict()
    for (name, value), other in zip(states[0].items(), states[1].values(), strict=True):
        assert torch.equal(value, other) if isinstance(value, torch.Tensor) else value == other, name
    assert read_checkpoint(parts).steps_of(2) == 6


def test_interrupted_at_its_last_step_a_run_is_complete(videos, tmp_path) -> None:
    InterruptingView.batches_left = 3 * STEPS_PER_EPOCH
    result = pretrain(configuration(videos, "VIEWS", "[interrupting, residual]"), tmp_path)
    assert result.metrics["steps"] == 3 * STEPS_PER_EPOCH


@pytest.mark.parametrize(("epochs", "warned"), [("2", False), ("100000000", True)])
def test_days_on_a_cpu_are_announced(videos, tmp_path, capsys, epochs: str, warned: bool) -> None:
    InterruptingView.batches_left = 3
    with pytest.raises(RunInterrupted):
        pretrain(configuration(videos, "VIEWS", "[interrupting, residual]", "OPTIM.EPOCHS", epochs), tmp_path)
    assert ("days on this CPU" in capsys.readouterr().out) == warned


def test_ctrl_c_means_what_it_did_before_once_the_run_is_over(videos, tmp_path) -> None:
    before = signal.getsignal(signal.SIGINT)
    pretrain(configuration(videos, "OPTIM.EPOCHS", "1"), tmp_path)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_is_given_back_after_an_error_too(videos, tmp_path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(InputError, match="cannot cut"):
        pretrain(configuration(videos, "DATA.CROP", "32"), tmp_path)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("epochs", "every"), [("3", "2"), ("1", "10")])
def test_the_last_checkpoint_is_that_of_the_end(videos, tmp_path, epochs, every) -> None:
    pretrain(configuration(videos, "OPTIM.EPOCHS", epochs, "TRAINER.CHECKPOINT_EVERY", every), tmp_path)
    assert read_checkpoint(tmp_path).step == int(epochs) * STEPS_PER_EPOCH


def test_a_complete_run_can_be_made_longer_and_ends_as_a_long_one_would(videos, tmp_path) -> None:
    states = []
    for name, parts in (("whole", ["3"]), ("parts", ["1", "3"])):
        (tmp_path / name).mkdir()
        for epochs in parts:
            cfg = configuration(videos, "OPTIM.EPOCHS", epochs, "OPTIM.SCHEDULE", "constant")
            resume = read_checkpoint(tmp_path / name) if epochs != parts[0] else None
            states.append(pretrain(cfg, tmp_path / name, resume).task.state_dict())
    assert load_config(tmp_path / "parts/config.yaml").OPTIM.EPOCHS == 1
    assert load_config(tmp_path / "parts/config-2.yaml").OPTIM.EPOCHS == 3
    for key, value in states[0].items():
        assert torch.equal(value, states[-1][key]) if isinstance(value, torch.Tensor) else value == states[-1][key], key


@pytest.mark.parametrize("schedule", ["multistep", "cosine", "one_cycle", "constant"])
def test_every_schedule_runs_to_the_end(videos, tmp_path, schedule) -> None:
    cfg = configuration(videos, "OPTIM.SCHEDULE", schedule, "OPTIM.MILESTONES", "[1, 2]", "OPTIM.LR", "0.1")
    result = pretrain(cfg, tmp_path)
    rate = result.task.trainer.optimizers[0].param_groups[0]["lr"]
    expected = {"multistep": 0.1 * 0.2**2, "cosine": 0.0, "constant": 0.1}
    assert rate == pytest.approx(expected.get(schedule, rate), abs=1e-6)
    assert rate < 0.01 or schedule in ("multistep", "constant")


@pytest.mark.parametrize(
    "options",
    [
        ["INTRA_NEGATIVE", "none"],
        ["INTRA_NEGATIVE", "shuffle", "INTRA_NEGATIVE_OPTIONS.num_segments", "2"],
        ["INTRA_NEGATIVE", "shuffle+rotate", "TRAINER.ACTIVATION_CHECKPOINTING", "True"],
        ["INTRA_NEGATIVE", "repeat,shuffle_frames", "LOSS.BANKS", "sharded", "LOSS.INTRA_GRADIENT", "True"],
        ["MODEL.HEAD", "[16, 8]", "MODEL.PER_VIEW", "True"],
        ["DATA.CLIPS_PER_VIDEO", "2", "DATA.AUGMENTATION", "strong", "VIEWS", "[residual_unscaled, residual_unscaled]"],
        ["MODEL.BACKBONE", "c3d", "LOSS.OBJECTIVE", "nce", "LOSS.NORMALIZE", "False", "OPTIM.LR", "0.0001"],
    ],
    ids=["cmc", "shuffle", "composed", "several", "per-view", "v2", "nce"],
)
def test_the_variants_of_the_method_train(videos, tmp_path, options) -> None:
    result = pretrain(configuration(videos, "OPTIM.EPOCHS", "1", *options), tmp_path)
    assert all(torch.isfinite(weight).all() for weight in result.task.parameters())
    assert result.metrics["steps"] == STEPS_PER_EPOCH


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["MODEL.BACKBONE", "r3dd"], "BACKBONES: there is no 'r3dd'"),
        (["MODEL.OPTIONS.widht", "1"], "MODEL.OPTIONS: .*widht"),
        (["INTRA_NEGATIVE", "blink"], "INTRA_NEGATIVES: there is no 'blink'"),
        (["INTRA_NEGATIVE", "repeat,"], "INTRA_NEGATIVE: expected names"),
        (["INTRA_NEGATIVE_OPTIONS.speed", "1"], "INTRA_NEGATIVE_OPTIONS: .*speed"),
        (["VIEWS", "[rgb]"], "at least two views"),
        (["TRAINER.DEVICES", "0"], "TRAINER"),
        (["DATA.AUGMENTATION", "weak"], "DATA.AUGMENTATION: expected one of crop, strong"),
        (["DATA.KIND", "ucf"], "DATASETS: there is no 'ucf'"),
        (["DATA.ROOT", "no/such/folder"], "no/such/folder"),
        (["DATA.LISTS", "no_list.txt"], "no_list.txt"),
        (["DATA.LISTS", "[]", "DATA.KIND", "ucf101_lists"], "DATA.LISTS: .* name lists, or take the whole folder"),
        (["DATA.DECODER", "opencv"], "opencv"),
        (["OPTIM.SCHEDULE", "linear"], "OPTIM.SCHEDULE: expected one of"),
        (["TRAINER.PRECISION", "8"], "TRAINER"),
        (["TRAINER.ACCELERATOR", "quantum"], "TRAINER"),
        (["DATA.CROP", "32"], "cannot cut 32 x 32 out of frames of 16 x 16"),
        (["PLUGINS", "no_such_plugin"], "no_such_plugin"),
        (["VIEWS", "[rgb, flow_u]"], "DATA.FLOW: the view flow_u needs optical flow"),
        (["VIEWS", "[rgb, flow_u]", "DATA.FLOW", "no/flow"], "no/flow"),
        (["DATA.MANIFEST", "no_manifest.csv"], "no_manifest.csv"),
        (["DATA.START_METHOD", "thread"], "DATA.START_METHOD: expected one of fork"),
        (["DATA.KIND", "ucf101", "DATA.SPLIT", "4"], "split: expected 1 or 2 or 3"),
        (["DATA.KIND", "hmdb51"], "hmdb|HMDB|split"),
    ],
)
def test_what_cannot_be_trained_is_named(videos, tmp_path, options, message) -> None:
    with pytest.raises(InputError, match=message):
        pretrain(configuration(videos, *options), tmp_path)


@pytest.fixture
def broken_copy(videos, tmp_path) -> Path:
    """A copy of the videos, of which one is broken."""
    folder = tmp_path / "copy"
    shutil.copytree(videos / "videos", folder / "videos")
    shutil.copytree(videos / "splits", folder / "splits")
    listed = (folder / "splits/trainlist01.txt").read_text().split()[::2]
    (folder / "videos" / listed[3]).write_text("no video")
    return folder


def test_videos_known_to_be_bad_are_left_out(broken_copy, tmp_path) -> None:
    cfg = configuration(broken_copy, "DATA.MANIFEST", str(tmp_path / "manifest.csv"))
    check_collection(build_index(cfg), cfg.DATA.MANIFEST, num_workers=1)
    result = pretrain(cfg, tmp_path / "run")
    assert (result.metrics["videos"], result.metrics["bad_videos"]) == (11, 0)
    assert len(BadVideoLog(tmp_path / "run" / "left_out.csv").read()) == 1


def test_rows_stay_within_a_run_whatever_a_later_check_finds(broken_copy, tmp_path) -> None:
    cfg = configuration(
        broken_copy, "DATA.MANIFEST", str(tmp_path / "manifest.csv"), "DATA.MAX_BAD_SHARE", "0.2", "OPTIM.EPOCHS", "1"
    )
    check_collection(build_index(cfg), cfg.DATA.MANIFEST, num_workers=1)
    folder = tmp_path / "run"
    pretrain(cfg, folder)
    listed = (broken_copy / "splits/trainlist01.txt").read_text().split()[::2]
    (broken_copy / "videos" / listed[7]).write_text("no video either")
    check_collection(build_index(cfg), cfg.DATA.MANIFEST, num_workers=1)
    moved = broken_copy.rename(tmp_path / "moved")
    cfg.merge_from_list(["OPTIM.EPOCHS", 2, "DATA.ROOT", str(moved / "videos")])
    cfg.DATA.LISTS = [name.replace(str(broken_copy), str(moved)) for name in cfg.DATA.LISTS]
    metrics = pretrain(cfg, folder, resume=read_checkpoint(folder)).metrics
    assert (metrics["videos"], metrics["bad_videos"]) == (11, 1)


@pytest.mark.parametrize("start_method", ["", "forkserver"])
def test_flow_views_train_from_computed_flow(videos, tmp_path, start_method) -> None:
    pytest.importorskip("cv2")
    options = ("VIEWS", "[rgb, flow_u]", "DATA.FLOW", "dis", "DATA.NUM_WORKERS", "1", "OPTIM.EPOCHS", "1")
    metrics = pretrain(configuration(videos, *options, "DATA.START_METHOD", start_method), tmp_path).metrics
    assert metrics["bad_videos"] == 0
    assert metrics["train/loss"] > 0


def test_stored_flow_trains_and_retrieves(videos, tmp_path) -> None:
    pytest.importorskip("cv2")
    cfg = configuration(videos, "VIEWS", "[rgb, flow_v]", "DATA.FLOW", str(tmp_path / "flow"), "OPTIM.EPOCHS", "1")
    write_flow(class_folders(videos / "videos"), videos / "videos", tmp_path / "flow", num_workers=1)
    networks = pretrain(cfg, tmp_path).task.networks
    cfg.EVAL.QUERY = [str(videos / "splits/testlist01.txt")]
    gallery, query = evaluation_indices(cfg)
    result = retrieve(cfg, networks, gallery, query, BadVideoLog(), progress=False)
    assert set(result.accuracy) == {"rgb", "flow_v", "joint"}


def test_waiting_for_data_is_logged(videos, tmp_path) -> None:
    metrics = pretrain(configuration(videos), tmp_path).metrics
    assert 0 < metrics["data_wait"] < 1
    with (tmp_path / "logs/version_0/metrics.csv").open() as file:
        waits = [float(row["train/data_wait"]) for row in csv.DictReader(file) if row["train/data_wait"]]
    assert len(waits) == 9
    assert all(0 <= wait <= 1 for wait in waits)


def test_resuming_another_run_is_refused(videos, tmp_path) -> None:
    pretrain(configuration(videos, "OPTIM.EPOCHS", "1"), tmp_path)
    before = (tmp_path / LAST).read_bytes()
    checkpoint = read_checkpoint(tmp_path)
    for options, message in [
        (["MODEL.BACKBONE", "c3d"], "its network is another one"),
        (["MODEL.OPTIONS.width", "0.125"], "its network is another one"),
        (["DATA.LISTS", str(videos / "splits/testlist01.txt")], "the data now hold 6 videos"),
    ]:
        with pytest.raises(InputError, match=message):
            pretrain(configuration(videos, *options, "OPTIM.EPOCHS", "9"), tmp_path, resume=checkpoint)
    assert (tmp_path / LAST).read_bytes() == before


def test_checkpoints_that_are_none_are_named(tmp_path) -> None:
    text = tmp_path / "text.ckpt"
    text.write_text("not a checkpoint")
    other = tmp_path / "other.ckpt"
    torch.save({"weights": torch.ones(2)}, other)
    for path, message in [
        (tmp_path, "has no checkpoints/last.ckpt"),
        (tmp_path / "none.ckpt", "no such checkpoint"),
        (text, "not a readable checkpoint"),
        (other, "holds no configuration"),
    ]:
        with pytest.raises(InputError, match=message):
            read_checkpoint(path)


def test_run_folders_are_never_shared(tmp_path) -> None:
    folders = {create_run_folder(tmp_path, "pretrain", "name") for _ in range(5)}
    assert len(folders) == 5
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        create_run_folder(tmp_path / "file", "pretrain", "name")


def test_two_runs_of_one_process_get_two_folders(videos, tmp_path) -> None:
    options = ["--data", str(videos / "videos"), *SMALL, "OPTIM.EPOCHS", "1", "OUTPUT", str(tmp_path)]
    for _ in range(2):
        main(["pretrain", *options])
    assert len(list((tmp_path / "pretrain").glob("*/metrics.json"))) == 2


def test_names_of_runs_tell_the_varied_options() -> None:
    names = {
        run_name(load_config(None, options))
        for options in (
            [],
            ["SEED", "1"],
            ["INTRA_NEGATIVE", "shuffle"],
            ["INTRA_NEGATIVE", "repeat,shuffle"],
            ["INTRA_NEGATIVE", "repeat+shuffle"],
            ["MODEL.BACKBONE", "c3d"],
            ["VIEWS", "[rgb, rgb]"],
            ["LOSS.NAME", "queue"],
        )
    }
    assert len(names) == 8
