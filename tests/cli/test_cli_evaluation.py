"""``iic retrieve`` and ``iic probe``: what they write, what they take, and what they refuse."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from iic_ptv.cli.main import main
from iic_ptv.data.procedural import write_videos
from iic_ptv.evaluation.feature_file import read_features, write_features

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "6", "OPTIM.EPOCHS", "1"),
    *("TRAINER.ACCELERATOR", "cpu", "EVAL.NUM_CLIPS", "2", "PROBE.SHOTS", "[1, 2, 9]", "PROBE.DRAWS", "3"),
]


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    return write_videos(
        tmp_path_factory.mktemp("videos"),
        motions=("translate_left", "spin_clockwise", "bounce"),
        train_per_class=4,
        test_per_class=2,
        num_frames=8,
        size=16,
        progress=False,
    )


@pytest.fixture(scope="module")
def trained(videos, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("trained")
    lists = ["DATA.LISTS", str(videos / "splits/trainlist01.txt")]
    main(["pretrain", "--data", str(videos / "videos"), *lists, *SMALL, "OUTPUT", str(output)])
    return next((output / "pretrain").iterdir())


def run(command: str, output: Path, *arguments: object) -> Path:
    """Run a command and return its run folder."""
    before = set((output / command).glob("*"))
    main([command, *map(str, arguments), "OUTPUT", str(output)])
    (folder,) = set((output / command).glob("*")) - before
    return folder


def metrics_of(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture(scope="module")
def retrieved(videos, trained, tmp_path_factory) -> Path:
    query = videos / "splits/testlist01.txt"
    output = tmp_path_factory.mktemp("retrieved")
    return run("retrieve", output, "--checkpoint", trained, "--query", query, "--save-features")


def test_retrieval_is_scored_beside_the_untrained_network_and_class_by_class(retrieved) -> None:
    metrics = metrics_of(retrieved)
    for scores in (metrics, metrics["untrained"]):
        assert set(scores) >= {"rgb", "residual", "joint"}
        assert all(0 <= value <= 1 for view in ("rgb", "residual", "joint") for value in scores[view].values())
    assert set(metrics["joint"]) == {"top1", "top5", "top10", "top20", "top50", "map"}
    classes = metrics["per_class"]
    assert {name: scores["queries"] for name, scores in classes.items()} == {
        "translate_left": 2,
        "spin_clockwise": 2,
        "bounce": 2,
    }
    mean = sum(scores["queries"] * scores["top1"] for scores in classes.values()) / 6
    assert mean == pytest.approx(metrics["joint"]["top1"], abs=1e-3)
    assert "Video retrieval" in (retrieved / "report.html").read_text()


def test_features_from_files_give_the_same_scores_without_videos_or_checkpoint(retrieved, tmp_path) -> None:
    files = ["--gallery", retrieved / "gallery.safetensors", "--query", retrieved / "query.safetensors"]
    again = metrics_of(run("retrieve", tmp_path, *files))
    expected = metrics_of(retrieved)
    for key in ("rgb", "residual", "joint", "chance", "per_class", "gallery_videos", "query_videos"):
        assert again[key] == expected[key]
    assert list(again["residual"]) == list(expected["residual"])
    probed = metrics_of(run("probe", tmp_path, *files, "EVAL.VIEWS", "residual"))
    assert "residual" in probed
    assert "rgb" not in probed


def test_one_side_may_be_a_file(videos, trained, retrieved, tmp_path) -> None:
    gallery = retrieved / "gallery.safetensors"
    query = videos / "splits/testlist01.txt"
    again = run("retrieve", tmp_path, "--checkpoint", trained, "--gallery", gallery, "--query", query)
    assert metrics_of(again)["joint"] == metrics_of(retrieved)["joint"]


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 0), (4, 2), (12, 1)])
def test_features_do_not_depend_on_batches_or_workers(videos, trained, retrieved, tmp_path, batch_size, workers):
    options = ["EVAL.BATCH_SIZE", batch_size, "DATA.NUM_WORKERS", workers, "EVAL.UNTRAINED", "False"]
    query = ["--query", videos / "splits/testlist01.txt"]
    again = run("retrieve", tmp_path, "--checkpoint", trained, *query, "--save-features", *options)
    for side in ("gallery", "query"):
        first, second = (read_features(folder / f"{side}.safetensors").views for folder in (retrieved, again))
        assert all(torch.equal(first[view].features, second[view].features) for view in ("rgb", "residual"))


def test_files_without_a_precision_are_of_float32(videos, trained, retrieved, tmp_path) -> None:
    """As all files are that were written before there was a choice."""
    gallery = read_features(retrieved / "gallery.safetensors")
    config = "".join(line for line in gallery.config.splitlines(keepends=True) if "PRECISION: 32-true" not in line)
    assert config != gallery.config
    write_features(tmp_path / "old.safetensors", gallery.views, config, gallery.fingerprint)
    sides = ["--gallery", tmp_path / "old.safetensors", "--query", videos / "splits/testlist01.txt"]
    again = run("retrieve", tmp_path, "--checkpoint", trained, *sides)
    assert metrics_of(again)["joint"] == metrics_of(retrieved)["joint"]


def test_mixed_precision_gives_nearly_the_same_features(videos, trained, retrieved, tmp_path) -> None:
    query = ["--query", videos / "splits/testlist01.txt"]
    options = ["EVAL.PRECISION", "bf16-mixed", "EVAL.UNTRAINED", "False"]
    mixed = run("retrieve", tmp_path, "--checkpoint", trained, *query, "--save-features", *options)
    for side in ("gallery", "query"):
        first, second = (read_features(folder / f"{side}.safetensors").views for folder in (retrieved, mixed))
        for view in ("rgb", "residual"):
            assert not torch.equal(first[view].features, second[view].features)
            assert torch.cosine_similarity(first[view].features, second[view].features).min() > 0.999


def test_probes_are_scored_for_every_view(videos, trained, tmp_path, capsys) -> None:
    folder = run("probe", tmp_path, "--checkpoint", trained, "--query", videos / "splits/testlist01.txt")
    metrics = metrics_of(folder)
    for scores in (metrics["rgb"], metrics["joint"], metrics["untrained"]["joint"]):
        assert set(scores) == {
            *("knn_top1", "knn_top5", "linear_top1", "linear_top5"),
            *("shots1", "shots1_deviation", "shots2", "shots2_deviation"),
        }
    assert metrics["chance"] == pytest.approx(1 / 3, abs=1e-4)
    assert "a class has fewer than 9 videos" in capsys.readouterr().out
    assert "Linear probe" in (folder / "report.html").read_text()


def test_folders_are_taken_as_well_as_lists(videos, tmp_path, capsys) -> None:
    folder = videos / "videos"
    metrics = metrics_of(run("retrieve", tmp_path, "--gallery", folder, "--query", folder, *SMALL))
    assert metrics["joint"]["top1"] == 1  # every video finds itself
    assert "untrained" not in metrics
    assert "18 of 18 queries are in the gallery, too" in capsys.readouterr().out


def refused(capsys, *arguments: object) -> str:
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, arguments)])
    assert exit_.value.code == 2
    return capsys.readouterr().err


def test_of_several_folders_it_is_told_that_one_is_taken_alone(videos, tmp_path, capsys) -> None:
    folder = videos / "videos"
    sides = ["--gallery", folder, "--gallery", folder / "bounce", "--query", folder]
    assert "a folder of videos is taken alone" in refused(capsys, "retrieve", *sides, *SMALL, "OUTPUT", tmp_path)


def test_a_class_that_the_gallery_lacks_is_named(videos, tmp_path, capsys) -> None:
    shutil.copytree(videos / "videos", tmp_path / "gallery")
    shutil.rmtree(tmp_path / "gallery" / "bounce")
    sides = ["--gallery", tmp_path / "gallery", "--query", videos / "videos"]
    folder = run("retrieve", tmp_path, *sides, *SMALL)
    assert metrics_of(folder)["per_class"]["bounce"]["top1"] == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "no gallery video is of bounce: queries of this class count as not found" in said
    (tmp_path / "other").mkdir()
    shutil.copytree(videos / "videos/bounce", tmp_path / "other/bounce")
    sides = ["--gallery", tmp_path / "gallery", "--query", tmp_path / "other"]
    assert "no query is of a class that the gallery has" in refused(capsys, "retrieve", *sides, *SMALL)
    listed = tmp_path / "few.txt"
    lines = (videos / "splits/trainlist01.txt").read_text().splitlines()
    listed.write_text("\n".join(line for line in lines if "bounce" not in line))
    shutil.copy(videos / "splits/classInd.txt", tmp_path)
    sides = ["--gallery", listed, "--query", videos / "splits/testlist01.txt"]
    folder = run("retrieve", tmp_path, "--data", videos / "videos", *sides, *SMALL)
    assert metrics_of(folder)["per_class"]["bounce"]["top1"] == 0
    assert "no gallery video is of bounce" in " ".join(capsys.readouterr().out.split())


def test_one_video_per_class_can_be_searched_but_not_learnt_from_by_five(videos, tmp_path, capsys) -> None:
    for name in ("bounce", "translate_left"):
        first = min((videos / "videos" / name).iterdir())
        (tmp_path / "gallery" / name).mkdir(parents=True)
        shutil.copy(first, tmp_path / "gallery" / name)
    sides = ["--gallery", tmp_path / "gallery", "--query", tmp_path / "gallery"]
    folder = run("probe", tmp_path, *sides, *SMALL)
    assert metrics_of(folder)["joint"]["knn_top1"] == 1
    assert "shots2" not in metrics_of(folder)["joint"]


def test_videos_that_cannot_be_read_do_not_count_as_labelled(videos, tmp_path) -> None:
    for name in ("bounce", "translate_left"):
        (tmp_path / "gallery" / name).mkdir(parents=True)
        for video in sorted((videos / "videos" / name).iterdir())[:2]:
            shutil.copy(video, tmp_path / "gallery" / name)
    max((tmp_path / "gallery" / "bounce").iterdir()).write_bytes(b"no video")
    sides = ["--gallery", tmp_path / "gallery", "--query", tmp_path / "gallery"]
    folder = run("probe", tmp_path, *sides, *SMALL, "DATA.MAX_BAD_SHARE", "0.5")
    metrics = metrics_of(folder)
    assert metrics["gallery_videos"] == 3
    assert "shots1" in metrics["joint"]
    assert "shots2" not in metrics["joint"]


def test_features_that_cannot_be_used_are_refused(videos, trained, retrieved, tmp_path, capsys) -> None:
    gallery, query = (read_features(retrieved / f"{side}.safetensors") for side in ("gallery", "query"))
    broken, foreign = tmp_path / "broken.safetensors", tmp_path / "foreign.safetensors"
    query.views["rgb"].features[3, 5] = torch.nan
    write_features(broken, query.views, query.config, query.fingerprint)
    write_features(foreign, gallery.views, gallery.config, "another network")
    good = retrieved / "gallery.safetensors"
    cases = [
        ((good, broken), "query: the features of 1 of 6 videos are NaN or infinite"),
        ((good, foreign), "features can only be compared with others of the same network"),
        ((good, trained / "metrics.json"), "there is no such list or folder|metrics.json"),
        ((good, tmp_path / "none.safetensors"), "cannot be read as a feature file"),
    ]
    for (gallery_path, query_path), message in cases:
        said = refused(capsys, "retrieve", "--gallery", gallery_path, "--query", query_path, "OUTPUT", tmp_path)
        assert any(part in " ".join(said.split()) for part in message.split("|")), said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("DATA.STRIDE", "2"), r"differ in DATA.STRIDE (2, 1)"),
        (("EVAL.FEATURES", "pooled"), "differ in EVAL.FEATURES (pooled, map)"),
        (("EVAL.NUM_CLIPS", "3"), "differ in EVAL.NUM_CLIPS (3, 2)"),
        (("EVAL.PRECISION", "bf16-mixed"), "differ in EVAL.PRECISION (bf16-mixed, 32-true)"),
        (("EVAL.PRECISION", "16-mixed"), "EVAL.PRECISION): 16-mixed needs a GPU"),
    ],
)
def test_features_of_other_clips_are_not_compared(videos, trained, retrieved, tmp_path, capsys, options, message):
    sides = ["--gallery", retrieved / "gallery.safetensors", "--query", videos / "splits/testlist01.txt"]
    said = refused(capsys, "retrieve", "--checkpoint", trained, *sides, *options, "OUTPUT", tmp_path)
    assert message in " ".join(said.split())


def test_probes_take_the_features_of_their_own_option_or_of_the_file(videos, trained, retrieved, tmp_path, capsys):
    query = ["--query", videos / "splits/testlist01.txt"]
    said = refused(capsys, "probe", "--checkpoint", trained, *query, "EVAL.FEATURES", "map", "OUTPUT", tmp_path)
    assert "takes the features that PROBE.FEATURES names" in said
    files = ["--gallery", retrieved / "gallery.safetensors", "--query", retrieved / "query.safetensors"]
    assert "FEATURES: map" in (run("probe", tmp_path, *files) / "config.yaml").read_text().split("PROBE")[0]


def test_results_go_where_runs_go_by_default_not_where_the_checkpoint_is(videos, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(["retrieve", "--checkpoint", str(trained), "--query", str(videos / "splits/testlist01.txt")])
    assert list((tmp_path / "runs" / "retrieve").glob("*/report.html"))


def test_unreadable_videos_are_left_out_and_the_others_keep_their_names(videos, bad_files, tmp_path) -> None:
    shutil.copytree(videos / "videos", tmp_path / "query")
    first = min((tmp_path / "query" / "bounce").iterdir())
    shutil.copy(bad_files["text"], first)
    sides = ["--gallery", videos / "videos", "--query", tmp_path / "query", "--save-features"]
    folder = run("retrieve", tmp_path, *sides, *SMALL, "DATA.MAX_BAD_SHARE", "0.5")
    query = read_features(folder / "query.safetensors").views["rgb"]
    gallery = read_features(folder / "gallery.safetensors").views["rgb"]
    assert len(query) == len(gallery) - 1
    assert f"bounce/{first.stem}" not in query.names
    rows = [gallery.names.index(name) for name in query.names]
    assert torch.equal(query.features, gallery.features[rows])
