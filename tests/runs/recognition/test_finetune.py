"""Fine-tuning runs: configuration, what they leave, interruptions, and what is said of data that cannot be used."""

import csv
import json
import math
import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from authors_files import authors_state, write_pretraining
from numbered_videos import write_numbered_video
from torch import nn

from iic_ptv.config import load_config
from iic_ptv.data.procedural import write_videos
from iic_ptv.errors import InputError, RunInterrupted
from iic_ptv.registry import BACKBONES, VIEWS
from iic_ptv.runs.build import build_network
from iic_ptv.runs.checkpoint import BEST, LAST, load_classifier, read_checkpoint
from iic_ptv.runs.pretraining.pretrain import pretrain
from iic_ptv.runs.recognition import finetune as module
from iic_ptv.runs.recognition.command import finetune_command
from iic_ptv.runs.recognition.config import Request, finetune_config, finetune_name
from iic_ptv.runs.recognition.finetune import test as test_classifier
from iic_ptv.runs.recognition.results import write_results
from iic_ptv.runs.recognition.videos import recognition_videos

MOTIONS = ("translate_left", "translate_right", "spin_clockwise")
CLIPS = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625"),
]
SHORT = [
    *("OPTIM.EPOCHS", "3", "OPTIM.BATCH_SIZE", "4", "OPTIM.LR", "0.05"),
    *("EVAL.NUM_CLIPS", "2", "TRAINER.LOG_EVERY", "1", "TRAINER.ACCELERATOR", "cpu"),
]
STEPS_PER_EPOCH = 3  # 15 videos less 3 of validation
test_classifier.__test__ = False  # no test of pytest's


class InterruptingView(nn.Module):
    """RGB, but pressing Ctrl-C when it has been shown a given number of batches, of training or of validation."""

    modality_key = "video"
    batches_left = -1
    in_training = True

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled() == InterruptingView.in_training:
            InterruptingView.batches_left -= 1
            if InterruptingView.batches_left == 0:
                os.kill(os.getpid(), signal.SIGINT)
        return clip


@pytest.fixture(autouse=True)
def interrupting_view(monkeypatch) -> None:
    monkeypatch.setitem(VIEWS._obj_map, "interrupting", InterruptingView)
    monkeypatch.setattr(InterruptingView, "batches_left", -1)
    monkeypatch.setattr(InterruptingView, "in_training", True)


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    return write_videos(
        tmp_path_factory.mktemp("videos"),
        motions=MOTIONS,
        train_per_class=5,
        test_per_class=2,
        num_frames=8,
        size=16,
        progress=False,
    )


@pytest.fixture(scope="module")
def pretrained(videos, tmp_path_factory) -> Path:
    """A run folder of a short pre-training."""
    folder = tmp_path_factory.mktemp("pretrained")
    lists = ["DATA.ROOT", str(videos / "videos"), "DATA.LISTS", str(videos / "splits/trainlist01.txt")]
    pretrain(load_config(None, [*lists, *CLIPS, *SHORT, "LOSS.NUM_NEGATIVES", "4", "OPTIM.EPOCHS", "1"]), folder)
    return folder


def request(videos: Path, *overrides: str, **options) -> Request:
    lists = {"train": [str(videos / "splits/trainlist01.txt")], "test": [str(videos / "splits/testlist01.txt")]}
    data = {"data": str(videos / "videos")}
    return Request(overrides=[*CLIPS, *SHORT, *overrides], **{**data, **lists, **options})


def configuration(videos: Path, *overrides: str, **options):
    return finetune_config(request(videos, *overrides, **options), None)


def finetune(cfg, folder: Path, *arguments, **options):
    """Run into a folder that is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    return module.finetune(cfg, folder, *arguments, **options)


# ---- configuration


def test_without_a_checkpoint_the_recipe_is_the_paper_s() -> None:
    cfg = finetune_config(Request(), None)
    assert cfg.VIEWS == ["residual_unscaled"]
    assert (cfg.OPTIM.EPOCHS, cfg.OPTIM.LR, cfg.OPTIM.WEIGHT_DECAY, cfg.OPTIM.BATCH_SIZE) == (150, 1e-3, 5e-4, 16)
    assert (cfg.OPTIM.SCHEDULE, cfg.OPTIM.PATIENCE, cfg.OPTIM.GAMMA, cfg.OPTIM.MIN_LR) == ("plateau", 50, 0.1, 1e-5)
    assert (cfg.DATA.FRAME_SIZE, cfg.DATA.CROP, cfg.DATA.CLIP_LENGTH) == ([128, 171], 112, 16)
    assert (cfg.EVAL.NUM_CLIPS, cfg.RECOGNITION.VALIDATION_VIDEOS) == (10, 800)


def test_network_clips_and_videos_are_the_checkpoint_s_and_the_recipe_is_not(pretrained, videos) -> None:
    start = read_checkpoint(pretrained)
    start.config.DATA.CLIPS_PER_VIDEO = 2  # as IICv2 pre-trains
    start.config.EVAL.QUERY = ["queries.txt"]
    start.config.NAME = "told"
    cfg = finetune_config(Request(), start)
    assert (cfg.DATA.CLIP_LENGTH, cfg.DATA.FRAME_SIZE, cfg.DATA.CROP) == (4, [16, 16], 16)
    assert dict(cfg.MODEL.OPTIONS) == {"width": 0.0625}
    assert str(videos / "videos") == cfg.DATA.ROOT
    assert [str(videos / "splits/trainlist01.txt")] == cfg.DATA.LISTS
    assert cfg.EVAL.QUERY == ["queries.txt"]
    assert (cfg.DATA.CLIPS_PER_VIDEO, cfg.OPTIM.EPOCHS, cfg.VIEWS, cfg.NAME) == (1, 150, ["residual_unscaled"], "")
    assert finetune_name(cfg, start) == "r3d-residual_unscaled-told-4x16-seed0"


def test_other_videos_come_without_the_lists_of_the_checkpoint_s(pretrained, tmp_path) -> None:
    cfg = finetune_config(Request(data=str(tmp_path)), read_checkpoint(pretrained))
    assert (str(tmp_path), [], 4) == (cfg.DATA.ROOT, cfg.DATA.LISTS, cfg.DATA.CLIP_LENGTH)


def test_the_same_videos_named_again_keep_their_lists(pretrained, videos) -> None:
    cfg = finetune_config(Request(data=f"{videos}/videos/"), read_checkpoint(pretrained))
    assert [str(videos / "splits/trainlist01.txt")] == cfg.DATA.LISTS


def test_a_folder_of_class_folders_to_train_on_takes_the_place_of_the_lists(pretrained, tmp_path) -> None:
    cfg = finetune_config(Request(train=[str(tmp_path)], test=["b.txt"]), read_checkpoint(pretrained))
    assert (cfg.DATA.KIND, cfg.DATA.LISTS, cfg.DATA.CLIP_LENGTH) == ("auto", [], 4)
    assert str(tmp_path) == cfg.DATA.ROOT


def test_file_and_command_line_have_the_last_words(pretrained, tmp_path) -> None:
    (tmp_path / "run.yaml").write_text("OPTIM: {EPOCHS: 7, LR: 0.5}\nDATA: {CROP: 12}\n")
    asked = Request(config=str(tmp_path / "run.yaml"), overrides=["OPTIM.EPOCHS", "9"], train=["a.txt"], test=["b.txt"])
    cfg = finetune_config(asked, read_checkpoint(pretrained))
    assert (cfg.OPTIM.EPOCHS, cfg.OPTIM.LR, cfg.DATA.CROP, cfg.DATA.FRAME_SIZE) == (9, 0.5, 12, [16, 16])
    assert (cfg.DATA.KIND, cfg.DATA.LISTS, cfg.EVAL.QUERY) == ("auto", ["a.txt"], ["b.txt"])


# ---- what a run leaves


@pytest.fixture(scope="module")
def finished(videos, pretrained, tmp_path_factory):
    """A run from a pre-trained network: its folder and what it leaves in memory."""
    folder = tmp_path_factory.mktemp("finished")
    start = read_checkpoint(pretrained)
    return folder, finetune(finetune_config(request(videos), start), folder, start)


def test_a_run_leaves_scores_predictions_and_a_report(finished) -> None:
    folder, result = finished
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["chance"] == {"top1": 0.3333, "top5": 1.0}
    assert (metrics["test"]["videos"], metrics["train"]["videos"], metrics["validation"]["videos"]) == (6, 12, 3)
    assert 0 <= metrics["test"]["top1"] <= metrics["test"]["top5"] == 1
    assert metrics["checkpoint"].endswith("last.ckpt")
    assert (metrics["train"]["epochs"], metrics["train"]["steps"]) == (3, 3 * STEPS_PER_EPOCH)
    assert {"loss", "top1", "top5", "clips_per_second", "data_wait"} <= metrics["train"].keys()
    confusion = torch.tensor(metrics["confusion"])
    assert confusion.sum(dim=1).tolist() == [2, 2, 2]
    assert confusion.trace() / 6 == pytest.approx(metrics["test"]["top1"], abs=1e-4)
    assert [each["top1"] for each in metrics["per_class"].values()] == (confusion.diagonal() / 2).tolist()

    with (folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(row["class"] == row["predicted_1"] for row in rows) == confusion.trace()
    assert {row["video"] for row in rows} == set(result.videos.test.keys)
    assert all(row["video"].startswith(row["class"] + "/") for row in rows)
    assert all({row["predicted_1"], row["predicted_2"], row["predicted_3"]} == set(MOTIONS) for row in rows)
    shares = [[float(row[f"probability_{n}"]) for n in (1, 2, 3)] for row in rows]
    assert all(sorted(share, reverse=True) == share and math.isclose(sum(share), 1, abs_tol=3e-4) for share in shares)

    page = (folder / "report.html").read_text()
    assert f"{100 * metrics['test']['top1']:.1f}" in page
    assert all(text in page for text in ("Confusion matrix", "Class by class", "Top-1 accuracy (%)", *MOTIONS))
    assert {"config.yaml", "versions.json", "logs"} <= {path.name for path in folder.iterdir()}


def test_the_best_epoch_of_the_validation_is_kept_and_tested(finished) -> None:
    folder, result = finished
    metrics = json.loads((folder / "metrics.json").read_text())
    with (folder / "logs/version_0/metrics.csv").open() as file:
        losses = [float(row["val/loss"]) for row in csv.DictReader(file) if row["val/loss"]]
    best = min(range(3), key=losses.__getitem__)
    assert metrics["validation"]["best_epoch"] == best + 1
    assert metrics["validation"]["loss"] == pytest.approx(losses[best], rel=1e-4)
    checkpoint = read_checkpoint(folder)
    assert checkpoint.path == folder / BEST
    assert checkpoint.step == (best + 1) * STEPS_PER_EPOCH
    for name, value in result.network.state_dict().items():
        assert torch.equal(value, checkpoint.networks[0][name]), name


def test_logits_are_means_over_the_clips(finished, videos) -> None:
    """The scores again, by decoding each test video by hand."""
    from iic_ptv.data.clip_reader import ClipReader
    from iic_ptv.data.clips import EvaluationClipDataset
    from iic_ptv.transforms import evaluation_transform, residual

    _, result = finished
    clips = EvaluationClipDataset(
        result.videos.test, ClipReader(4, size=(16, 16)), evaluation_transform(16, (16, 16)), num_clips=2
    )
    network = result.network.eval()
    with torch.no_grad():
        for row, sample in enumerate(clips[row] for row in range(6)):
            expected = network(residual(sample["video"], scaled=False)).mean(dim=0)
            torch.testing.assert_close(result.recognised.videos.features[row], expected, atol=1e-5, rtol=1e-4)


def test_validation_videos_are_of_the_training_videos_and_of_all_classes(finished) -> None:
    _, result = finished
    train, held, test = (
        set(part.paths) for part in (result.videos.train, result.videos.validation, result.videos.test)
    )
    assert not train & held
    assert not (train | held) & test
    assert result.videos.validation.labels.unique().tolist() == [0, 1, 2]


def test_the_backbone_starts_as_it_was_pretrained(videos, pretrained, tmp_path) -> None:
    start = read_checkpoint(pretrained)
    cfg = finetune_config(request(videos, "OPTIM.LR", "0", "OPTIM.EPOCHS", "1"), start)
    network = finetune(cfg, tmp_path, start).network
    for name, value in network.named_parameters():
        if not name.startswith("classifier."):
            assert torch.equal(value, start.networks[0][name]), name


@pytest.mark.parametrize("name", ["r3d", "r2plus1d", "c3d"])
def test_training_from_a_file_of_the_authors(name, videos, tmp_path) -> None:
    torch.manual_seed(3)
    theirs = BACKBONES.get(name)(width=1 / 16)
    start = read_checkpoint(write_pretraining(tmp_path / f"{name}.pth", theirs, name))
    clips = ["DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"]
    asked = Request(
        data=str(videos / "videos"),
        train=[str(videos / "splits/trainlist01.txt")],
        test=[str(videos / "splits/testlist01.txt")],
        overrides=[*clips, *SHORT, "OPTIM.LR", "0", "OPTIM.EPOCHS", "1"],
    )
    network = finetune(finetune_config(asked, start), tmp_path / "run", start).network
    for key, value in theirs.named_parameters():
        assert torch.equal(network.state_dict()[key], value), key


def test_of_a_network_per_view_the_one_of_the_view_is_taken(videos, tmp_path) -> None:
    lists = ["DATA.ROOT", str(videos / "videos"), "DATA.LISTS", str(videos / "splits/trainlist01.txt")]
    cfg = load_config(None, [*lists, *CLIPS, *SHORT, "LOSS.NUM_NEGATIVES", "4", "OPTIM.EPOCHS", "1"])
    cfg.MODEL.PER_VIEW = True
    (tmp_path / "pretrained").mkdir()
    pretrain(cfg, tmp_path / "pretrained")
    start = read_checkpoint(tmp_path / "pretrained")
    for view, number in (("residual_unscaled", 1), ("residual", 1), ("rgb", 0)):
        changes = ["OPTIM.LR", "0", "OPTIM.EPOCHS", "1", "VIEWS", view]
        network = finetune(finetune_config(request(videos, *changes), start), tmp_path / view, start).network
        assert torch.equal(network.stem.conv.weight, start.networks[number]["stem.conv.weight"])
    cfg = finetune_config(request(videos, "VIEWS", "flow_u", "DATA.FLOW", "dis"), start)
    with pytest.raises(InputError, match="has a network for each of rgb, residual, none for flow_u"):
        finetune(cfg, tmp_path / "flow", start)


@pytest.mark.parametrize(
    "options",
    [
        ["VIEWS", "rgb"],
        ["OPTIM.SCHEDULE", "cosine", "OPTIM.WARM_UP", "1", "RECOGNITION.LABEL_SMOOTHING", "0.1"],
        ["OPTIM.NAME", "adamw", "OPTIM.LR", "0.001", "RECOGNITION.BACKBONE_LR", "0.1"],
        ["DATA.AUGMENTATION", "strong"],
        ["RECOGNITION.VALIDATION_VIDEOS", "0", "OPTIM.SCHEDULE", "constant"],
    ],
    ids=["rgb", "cosine", "adamw", "strong", "no-validation"],
)
def test_current_recipes_train(videos, tmp_path, options) -> None:
    result = finetune(configuration(videos, "OPTIM.EPOCHS", "2", *options), tmp_path)
    assert all(torch.isfinite(value).all() for value in result.network.parameters())
    assert (tmp_path / BEST).exists() == (result.videos.validation is not None)
    assert read_checkpoint(tmp_path).class_names == MOTIONS


def test_classes_that_can_be_told_are_learnt(videos, tmp_path) -> None:
    """Of the eight bars of a frame, none, three or five are bright throughout; others change from frame to frame."""
    for part, count in (("train", 6), ("test", 2)):
        for name, bright in (("none", 0b00000000), ("three", 0b01110000), ("five", 0b11111000)):
            for number in range(count):
                write_numbered_video(tmp_path / part / name / f"{number}.mp4", 5, first=bright + number % 3)
    options = ["OPTIM.EPOCHS", "10", "OPTIM.LR", "0.02", "VIEWS", "rgb", "TRAINER.CHANNELS_LAST", "False"]
    cfg = configuration(videos, *options, data=str(tmp_path / "train"), train=[], test=[str(tmp_path / "test")])
    assert finetune(cfg, tmp_path / "run").recognised.scores.top1 == 1.0


# ---- interruptions


def states_equal(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


STOPS = [(True, 1), (True, 3), (True, 9), (True, 10), (False, 1), (False, 3)]  # in training or not, at which batch


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schedule", "accumulate", "in_training", "batch"),
    [
        *((schedule, "1", *stop) for schedule in ("plateau", "cosine") for stop in STOPS),
        *(("plateau", "2", *stop) for stop in STOPS[::3]),
    ],
)
def test_interrupted_anywhere_and_resumed_a_run_ends_with_the_same_bits(
    videos, tmp_path, in_training, batch, schedule, accumulate
) -> None:
    """Last weights, best weights and rates; the plateau lowers these once its validation loss rises."""
    options = (
        "OPTIM.EPOCHS",
        "8",
        "VIEWS",
        "interrupting",
        "OPTIM.SCHEDULE",
        schedule,
        "OPTIM.PATIENCE",
        "0",
        "OPTIM.LR",
        "10",
        "OPTIM.ACCUMULATE",
        accumulate,
    )
    cfg = configuration(videos, *options)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = finetune(cfg, whole)

    InterruptingView.batches_left, InterruptingView.in_training = batch, in_training
    with pytest.raises(RunInterrupted, match=str(LAST)):
        finetune(cfg, parts)
    parts = parts.rename(tmp_path / "moved")
    found = finetune(cfg, parts, resume=read_checkpoint(parts, to_resume=True))

    assert states_equal(expected.network.state_dict(), found.network.state_dict())
    for name in (BEST, LAST):
        first, second = (torch.load(folder / name, weights_only=True) for folder in (whole, parts))
        assert states_equal(first["state_dict"], second["state_dict"])
        assert first["global_step"] == second["global_step"]
        assert first["callbacks"]["KeepBest"] == second["callbacks"]["KeepBest"]
        rates = [[group["lr"] for group in each["optimizer_states"][0]["param_groups"]] for each in (first, second)]
        assert rates[0] == rates[1]
    assert rates[0][0] < 10  # both schedules have come to lower it
    assert torch.equal(expected.recognised.videos.features, found.recognised.videos.features)


def test_a_run_that_was_stopped_in_its_test_is_completed_by_resuming(finished, videos, pretrained, tmp_path) -> None:
    folder, result = finished
    shutil.copytree(folder, tmp_path / "run")
    (tmp_path / "run/metrics.json").unlink()
    checkpoint = read_checkpoint(tmp_path / "run", to_resume=True)
    again = finetune(checkpoint.config, tmp_path / "run", resume=checkpoint)
    assert torch.equal(again.recognised.videos.features, result.recognised.videos.features)
    metrics, before = (json.loads((each / "metrics.json").read_text()) for each in (tmp_path / "run", folder))
    assert (metrics["test"], metrics["validation"]) == (before["test"], before["validation"])
    assert metrics["checkpoint"] == before["checkpoint"] is not None
    with pytest.raises(InputError, match="this run is complete, with 9 steps"):
        finetune(checkpoint.config, tmp_path / "run", resume=checkpoint)


def test_a_test_that_fails_leaves_a_training_that_can_be_gone_on_with(videos, tmp_path) -> None:
    copy = Path(shutil.copytree(videos, tmp_path / "copy"))
    broken = (copy / "splits/testlist01.txt").read_text().split()[0]
    good = (copy / "videos" / broken).read_bytes()
    (copy / "videos" / broken).write_bytes(b"no video")
    run = tmp_path / "run"
    with pytest.raises(InputError, match=rf"1 of 21 .* complete and kept.* --resume {run} DATA\.MAX_BAD_SHARE 1"):
        finetune(configuration(copy, "DATA.MAX_BAD_SHARE", "0.0", "OPTIM.EPOCHS", "1"), run)

    shutil.copytree(run, tmp_path / "other")
    finetune_command(Request(resume=str(run), overrides=["DATA.MAX_BAD_SHARE", "1"]))
    assert json.loads((run / "metrics.json").read_text())["test"]["videos"] == 5

    (copy / "videos" / broken).write_bytes(good)  # mended
    finetune_command(Request(resume=str(tmp_path / "other"), overrides=["DATA.MAX_BAD_SHARE", "1"]))
    with (tmp_path / "other/predictions.csv").open() as file:
        assert broken.removesuffix(".mp4") not in [row["video"] for row in csv.DictReader(file)]
    tested = Request(
        checkpoint=str(run), test_only=True, overrides=["OUTPUT", str(tmp_path / "out"), "TRAINER.ACCELERATOR", "cpu"]
    )
    folder = finetune_command(tested)
    assert json.loads((folder / "metrics.json").read_text())["test"]["videos"] == 6


def test_resuming_with_other_classes_is_refused(finished, videos, tmp_path) -> None:
    folder, _ = finished
    shutil.copytree(folder, tmp_path / "run")
    checkpoint = read_checkpoint(tmp_path / "run", to_resume=True)
    (tmp_path / "two.txt").write_text(
        "".join(line for line in (videos / "splits/trainlist01.txt").open() if not line.startswith("spin"))
    )
    shutil.copy(videos / "splits/classInd.txt", tmp_path)
    (tmp_path / "test.txt").write_text(
        "".join(line for line in (videos / "splits/testlist01.txt").open() if not line.startswith("spin"))
    )
    cfg = checkpoint.config
    cfg.DATA.LISTS, cfg.EVAL.QUERY, cfg.OPTIM.EPOCHS = [str(tmp_path / "two.txt")], [str(tmp_path / "test.txt")], 9
    with pytest.raises(InputError, match="began with 3 classes, and the training videos are now of 2"):
        finetune(cfg, tmp_path / "run", resume=checkpoint)


# ---- testing alone


def test_testing_alone_gives_the_scores_of_the_run(finished, tmp_path) -> None:
    folder, result = finished
    checkpoint = read_checkpoint(folder)
    cfg = finetune_config(Request(test_only=True), checkpoint)
    again = test_classifier(cfg, tmp_path, checkpoint)
    assert torch.equal(again.videos.features, result.recognised.videos.features)
    assert json.loads((tmp_path / "metrics.json").read_text())["checkpoint"] == str(folder / BEST)
    assert (tmp_path / "report.html").exists()


def renumbered(videos: Path, folder: Path, names: list[str], lines: list[str]) -> str:
    """A test list whose classes are numbered in the order of ``names``."""
    folder.mkdir(exist_ok=True)
    (folder / "classInd.txt").write_text("".join(f"{n} {name}\n" for n, name in enumerate(names, 1)))
    (folder / "test.txt").write_text("\n".join(lines))
    return str(folder / "test.txt")


def test_classes_may_be_in_another_order_and_need_not_all_be_there(finished, videos, tmp_path) -> None:
    folder, result = finished
    checkpoint = read_checkpoint(folder)
    lines = [line.split()[0] for line in (videos / "splits/testlist01.txt").read_text().splitlines()]
    backwards = renumbered(videos, tmp_path / "backwards", [*reversed(MOTIONS)], lines)
    found = test_classifier(
        finetune_config(Request(test=[backwards], test_only=True), checkpoint), tmp_path, checkpoint
    )
    assert found.videos.class_names == MOTIONS
    assert found.scores.top1 == result.recognised.scores.top1
    assert torch.equal(found.scores.confusion, result.recognised.scores.confusion)

    fewer = renumbered(videos, tmp_path / "fewer", list(MOTIONS), [line for line in lines if "spin" not in line])
    found = test_classifier(finetune_config(Request(test=[fewer], test_only=True), checkpoint), tmp_path, checkpoint)
    assert found.scores.confusion.sum(dim=1).tolist() == [2, 2, 0]
    assert set(json.loads((tmp_path / "metrics.json").read_text())["per_class"]) == set(MOTIONS[:2])


def test_a_class_that_the_network_does_not_know_is_named(finished, videos, tmp_path) -> None:
    folder, _ = finished
    checkpoint = read_checkpoint(folder)
    shutil.copytree(videos / "videos/spin_clockwise", tmp_path / "test/juggle")
    cfg = finetune_config(Request(test=[str(tmp_path / "test")], test_only=True), checkpoint)
    with pytest.raises(InputError, match=r"7 of the 7 test videos are of classes .*: juggle\. It knows translate_left"):
        test_classifier(cfg, tmp_path, checkpoint)


def test_only_a_network_with_a_classifier_can_be_tested(pretrained, videos, tmp_path) -> None:
    checkpoint = read_checkpoint(pretrained)
    cfg = finetune_config(Request(test=[str(videos / "videos")], test_only=True), checkpoint)
    with pytest.raises(InputError, match="no classifier yet, it was written by iic pretrain"):
        test_classifier(cfg, tmp_path, checkpoint)


def test_classifiers_of_the_authors_take_the_classes_of_the_collection(finished, videos, tmp_path) -> None:
    _, result = finished
    torch.save({"model": authors_state(result.network, "r3d")}, tmp_path / "best.pt")
    checkpoint = read_checkpoint(tmp_path / "best.pt")
    cfg = finetune_config(request(videos, test_only=True), checkpoint)
    found = test_classifier(cfg, tmp_path, checkpoint)
    assert torch.equal(found.videos.features, result.recognised.videos.features)
    first_test = (videos / "splits/testlist01.txt").read_text().splitlines()[:1]
    two = renumbered(videos, tmp_path / "two", ["translate_left", "spin_clockwise"], first_test)
    with pytest.raises(InputError, match="tells 3 classes apart and does not name them"):
        test_classifier(finetune_config(request(videos, test=[two], test_only=True), checkpoint), tmp_path, checkpoint)


def test_a_finetuned_network_retrieves_and_is_fine_tuned_further(finished, videos, tmp_path) -> None:
    folder, _ = finished
    start = read_checkpoint(folder)
    cfg = finetune_config(request(videos, "OPTIM.EPOCHS", "1"), start)
    again = finetune(cfg, tmp_path, start)
    assert again.videos.class_names == MOTIONS
    network = build_network(start.config, num_classes=3)
    load_classifier(network, start)
    assert start.config.VIEWS == ["residual_unscaled"]  # what retrieval with it looks at


# ---- data that cannot be used


def test_classes_without_training_videos_are_left_out_and_told(videos, tmp_path) -> None:
    lines = [line for line in (videos / "splits/trainlist01.txt").open() if not line.startswith("spin")]
    (tmp_path / "train.txt").write_text("".join(lines))
    shutil.copy(videos / "splits/classInd.txt", tmp_path)
    first_test = (videos / "splits/testlist01.txt").read_text().splitlines()[:1]
    test = renumbered(videos, tmp_path / "t", list(MOTIONS), first_test)
    result = finetune(
        configuration(videos, "OPTIM.EPOCHS", "1", train=[str(tmp_path / "train.txt")], test=[test]), tmp_path / "run"
    )
    assert result.videos.class_names == MOTIONS[:2]
    assert result.videos.unused_classes == ("spin_clockwise",)
    assert result.network.num_classes == 2

    everything = [str(videos / "splits/testlist01.txt")]
    with pytest.raises(InputError, match=r"2 of the 6 test videos are of classes .*: spin_clockwise\. It knows"):
        finetune(configuration(videos, train=[str(tmp_path / "train.txt")], test=everything), tmp_path)


@pytest.mark.parametrize(
    ("options", "overrides", "message"),
    [
        ({"train": ["one.txt"]}, [], "all 5 training videos are of one class, translate_left"),
        ({"data": "flat", "train": []}, [], r"DATA: .* 5 of the 5 training videos have none, .*\.mp4 for one"),
        ({"test": ["flat"]}, [], r"EVAL\.QUERY: .* 5 of the 5 test videos have none"),
        ({"test": []}, [], r"EVAL\.QUERY: name the videos to test on, .* --test"),
        ({"test": ["nowhere"]}, [], "nowhere: there is no such list or folder"),
        ({"train": []}, [], r"6 of the 6 test videos are trained on as well, .* --train"),
        ({}, ["VIEWS", "[rgb, residual]"], "VIEWS: recognition sees one view"),
        ({"train": ["single.txt"]}, [], r"RECOGNITION\.VALIDATION_VIDEOS: of 3 training videos in 3 classes none"),
        ({}, ["RECOGNITION.VALIDATION_VIDEOS", "0"], "OPTIM.SCHEDULE: plateau waits for the loss of validation"),
        ({}, ["OPTIM.SCHEDULE", "linear"], "OPTIM.SCHEDULE: expected one of"),
        ({}, ["OPTIM.NAME", "lion"], "OPTIM.NAME: expected one of sgd, adamw"),
        ({}, ["OPTIM.WARM_UP", "1"], "OPTIM.WARM_UP: plateau has no warm-up"),
        ({}, ["OPTIM.LR", "1e30"], "The loss of the validation videos was never a number"),
        ({"data": None}, [], r"DATA\.ROOT: name the folder of the videos"),
        ({}, ["DATA.CLIPS_PER_VIDEO", "2"], "set DATA.CLIPS_PER_VIDEO to 1"),
    ],
)
def test_what_cannot_be_learnt_from_is_named(videos, tmp_path, monkeypatch, options, overrides, message) -> None:
    monkeypatch.chdir(tmp_path)
    lines = (videos / "splits/trainlist01.txt").read_text().splitlines()
    Path("one.txt").write_text("\n".join(line for line in lines if line.startswith("translate_left")))
    Path("single.txt").write_text("\n".join(lines[::5]))
    shutil.copy(videos / "splits/classInd.txt", tmp_path)
    Path("flat").mkdir()
    for file in sorted((videos / "videos/spin_clockwise").iterdir())[:5]:
        shutil.copy(file, "flat")
    with pytest.raises(InputError, match=message):
        finetune(configuration(videos, *overrides, **options), tmp_path / "run")


def test_test_videos_are_trained_on_by_whatever_link_they_are_named(videos, tmp_path) -> None:
    (tmp_path / "link").symlink_to(videos / "videos")
    with pytest.raises(InputError, match="21 of the 21 test videos are trained on as well"):
        finetune(configuration(videos, train=[], test=[str(tmp_path / "link")]), tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "compared"),
    [
        ([], True),
        (["DATA.KIND", "auto"], False),
        (["DATA.SPLIT", "2"], False),
        (["DATA.LISTS", "[mine.txt]"], False),
        (["EVAL.QUERY", "[mine.txt]"], False),
    ],
)
def test_figures_of_the_paper_stand_beside_those_of_its_split_alone(finished, tmp_path, options, compared) -> None:
    cfg = load_config(None, ["DATA.KIND", "ucf101", *options])
    write_results(cfg, tmp_path, finished[1].recognised)
    assert ("Reported by the paper" in (tmp_path / "report.html").read_text()) == compared


def test_validation_videos_that_cannot_be_read_end_the_run_with_a_message(videos, tmp_path) -> None:
    copy = Path(shutil.copytree(videos, tmp_path / "copy"))
    cfg = configuration(copy, "DATA.MAX_BAD_SHARE", "1.0")
    for video in recognition_videos(cfg, tmp_path).validation:
        Path(video.path).write_bytes(b"no video")
    with pytest.raises(InputError, match="None of the videos that are held out"):
        finetune(cfg, tmp_path / "run")


def test_one_video_of_each_class_trains_without_validation(videos, tmp_path) -> None:
    lines = (videos / "splits/trainlist01.txt").read_text().splitlines()
    (tmp_path / "single.txt").write_text("\n".join(lines[::5]))
    shutil.copy(videos / "splits/classInd.txt", tmp_path)
    options = ("RECOGNITION.VALIDATION_VIDEOS", "0", "OPTIM.SCHEDULE", "cosine", "OPTIM.EPOCHS", "1")
    result = finetune(configuration(videos, *options, train=[str(tmp_path / "single.txt")]), tmp_path / "run")
    assert (len(result.videos.train), result.videos.validation) == (3, None)
    assert 0 <= result.recognised.scores.top1 <= 1
