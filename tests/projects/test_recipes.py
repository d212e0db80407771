"""The recipes of the documentation, each in a new process, as a user runs them, on small videos."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from authors_files import write_pretraining

from iic_ptv.data.procedural import write_videos
from iic_ptv.models import r3d
from iic_ptv.registry import INTRA_NEGATIVES
from iic_ptv.zoo.authors import from_authors

RECIPES = Path(__file__).parents[2] / "projects" / "documentation" / "recipes"
SMALL_CLIPS = ["DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"]
SMALL_RUN = [
    *SMALL_CLIPS,
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "1"),
    *("TRAINER.ACCELERATOR", "cpu", "TRAINER.PRECISION", "32-true"),
]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four videos of two classes."""
    folder = write_videos(
        tmp_path_factory.mktemp("recipes"),
        motions=("bounce", "spin_clockwise"),
        train_per_class=2,
        test_per_class=0,
        num_frames=16,
        size=32,
        progress=False,
    )
    return folder / "videos"


def run(folder: Path, *command: str | Path) -> str:
    """What a command prints; it must succeed."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    result = subprocess.run(list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def python(folder: Path, recipe: str, *arguments: str | Path) -> str:
    return run(folder, sys.executable, RECIPES / recipe, *arguments)


@pytest.mark.slow
def test_transforms_in_a_pipeline_of_pytorchvideo(videos: Path, tmp_path: Path) -> None:
    small = ["--frames", "4", "--crop", "32", "--seconds", "0.4", "--steps", "1"]
    assert "step 0: loss" in python(tmp_path, "pytorchvideo_pipeline.py", videos, *small)


@pytest.mark.slow
def test_loss_with_any_backbone(tmp_path: Path) -> None:
    small = ["--videos", "8", "--frames", "4", "--size", "16", "--steps", "2"]
    printed = python(tmp_path, "loss_with_any_backbone.py", *small)
    assert "step 1: loss" in printed


@pytest.mark.skipif(importlib.util.find_spec("lightly") is None, reason="needs lightly")
def test_loss_with_a_head_of_lightly(tmp_path: Path) -> None:
    assert "positive_similarity" in python(tmp_path, "lightly_head.py")


@pytest.mark.slow
def test_slow_r50_is_pretrained_and_its_weights_are_pytorchvideos(videos: Path, tmp_path: Path) -> None:
    from pytorchvideo.models.hub import slow_r50

    small = ["--frames", "4", "--crop", "16", "--batch-size", "2", "--epochs", "1", "--output", "slow.pth"]
    python(tmp_path, "slow_r50.py", videos, *small)
    weights = torch.load(tmp_path / "slow.pth", weights_only=True)
    unmet = slow_r50(pretrained=False).load_state_dict(weights, strict=False)
    assert not unmet.unexpected_keys
    assert {name.split(".")[1] for name in unmet.missing_keys} == {"5"}  # the head


@pytest.mark.slow
def test_features_of_a_folder(videos: Path, tmp_path: Path) -> None:
    python(tmp_path, "folder_features.py", videos)
    features = torch.load(tmp_path / "features.pth", weights_only=True)
    assert {vector.shape for vector in features.values()} == {(512,)}
    assert len(features) == len({tuple(vector.tolist()) for vector in features.values()}) == 4


@pytest.mark.slow
def test_a_new_intra_negative_is_one_file_and_one_option(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "boomerang.py").write_bytes((RECIPES / "boomerang.py").read_bytes())
    own = ["PLUGINS", "[boomerang]", "INTRA_NEGATIVE", "boomerang"]
    run(tmp_path, sys.executable, "-m", "iic_ptv", "pretrain", "--data", videos, *own, *SMALL_RUN)
    (configuration,) = tmp_path.glob("runs/pretrain/*/config.yaml")
    assert "INTRA_NEGATIVE: boomerang" in configuration.read_text()


def test_a_boomerang_comes_back(monkeypatch) -> None:
    monkeypatch.setattr(INTRA_NEGATIVES, "_obj_map", dict(INTRA_NEGATIVES._obj_map))  # it registers itself
    specification = importlib.util.spec_from_file_location("boomerang", RECIPES / "boomerang.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    clip = torch.arange(5.0).view(1, 5, 1, 1).expand(3, 5, 2, 2)
    assert module.Boomerang()(clip)[0, :, 0, 0].tolist() == [0, 1, 2, 1, 0]


@pytest.mark.slow
def test_finetuning_on_classes_of_ones_own(videos: Path, tmp_path: Path) -> None:
    printed = python(tmp_path, "finetune.py", videos, videos, "--epochs", "1")
    assert "val/top1" in printed
    saved = torch.load(tmp_path / "finetuned.pth", weights_only=True)
    assert tuple(saved["classes"]) == ("bounce", "spin_clockwise")
    assert saved["model"]["classifier.weight"].shape == (2, 512)


@pytest.mark.slow
def test_a_cluster_run_on_this_machine(videos: Path, tmp_path: Path) -> None:
    here = ["--cluster", "local", "--nodes", "1", "--gpus-per-node", "0"]
    printed = run(tmp_path, "bash", RECIPES / "cluster_run.sh", videos, *here, *SMALL_RUN)
    (folder,) = (tmp_path / "runs" / "pretrain").iterdir()
    assert folder.name in printed
    assert (folder / "last.ckpt").exists() or list(folder.rglob("*.ckpt"))


@pytest.mark.slow
def test_search_finds_the_moment(videos: Path, tmp_path: Path) -> None:
    copy = tmp_path / "query.mp4"
    copy.write_bytes((videos / "bounce" / "v_bounce_g01_c01.mp4").read_bytes())
    found = python(tmp_path, "search_own_videos.py", videos / "bounce", copy).splitlines()
    assert found[0].startswith("1.000")
    assert found[0].endswith("v_bounce_g01_c01.mp4 at 0.0 s")
    assert len(found) == 2


@pytest.mark.slow
def test_a_checkpoint_of_the_authors_and_back(videos: Path, tmp_path: Path) -> None:
    network = r3d(width=0.0625)
    file = write_pretraining(tmp_path / "theirs.pth", network, "r3d")
    small = [*SMALL_CLIPS, "EVAL.NUM_CLIPS", "1", "EVAL.UNTRAINED", "False"]
    run(tmp_path, "bash", RECIPES / "authors_checkpoint.sh", file, videos, videos, *small)
    (back,) = (tmp_path / "back").glob("*.pth")
    state = torch.load(back, weights_only=True)["model"]
    for name, value in from_authors(state).weights.items():
        assert torch.equal(value, network.state_dict()[name]), name


def test_every_recipe_is_on_a_page() -> None:
    pages = "".join(path.read_text() for path in (RECIPES.parent / "pages" / "recipes").glob("*.md"))
    for recipe in RECIPES.iterdir():
        if recipe.suffix in (".py", ".sh"):
            assert f"<!-- site: recipe {recipe.name} -->" in pages, recipe.name
