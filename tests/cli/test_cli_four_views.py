"""Four views, RGB, residual and both channels of flow, and a network for each: from pre-training to the zoo."""

import json
from pathlib import Path

import pytest
import torch

from iic_ptv.cli.main import main
from iic_ptv.data.procedural import write_videos
from iic_ptv.evaluation.feature_file import read_features
from iic_ptv.runs.checkpoint import LAST, read_checkpoint
from iic_ptv.runs.zoo.publish import publish
from iic_ptv.runs.zoo.request import Request
from iic_ptv.zoo.hub import hub_network

pytest.importorskip("cv2", reason="needs the extra flow")

FOUR = ["rgb", "residual", "flow_u", "flow_v"]
SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "6", "OPTIM.EPOCHS", "1"),
    *("TRAINER.ACCELERATOR", "cpu", "EVAL.NUM_CLIPS", "1", "DATA.FLOW", "dis", "VIEWS", json.dumps(FOUR)),
]
FEW = ["EVAL.UNTRAINED", "False", "PROBE.SHOTS", "[1]", "PROBE.DRAWS", "2"]


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    return write_videos(
        tmp_path_factory.mktemp("videos"),
        motions=("translate_left", "spin_clockwise"),
        train_per_class=3,
        test_per_class=2,
        num_frames=8,
        size=16,
        progress=False,
    )


def run(command: str, output: Path, *arguments: object) -> Path:
    """Run a command and return its run folder."""
    main([command, *map(str, arguments), "OUTPUT", str(output)])
    (folder,) = (output / command).iterdir()
    return folder


@pytest.fixture(scope="module")
def trained(videos, tmp_path_factory) -> dict[str, Path]:
    """Run folders, by how the networks are shared out among the views."""
    lists = ["--data", videos / "videos", "DATA.LISTS", videos / "splits/trainlist01.txt"]
    return {
        name: run("pretrain", tmp_path_factory.mktemp("trained"), *lists, *SMALL, "MODEL.PER_VIEW", per_view)
        for name, per_view in (("shared", False), ("per view", True))
    }


@pytest.mark.parametrize(("name", "networks"), [("shared", 1), ("per view", 4)])
def test_checkpoints_have_five_banks_and_a_network_or_four(trained, name, networks) -> None:
    checkpoint = read_checkpoint(trained[name])
    assert checkpoint.bank_shape == (5, 6, 32)
    assert len(checkpoint.networks) == networks
    stems = torch.stack([network["stem.conv.weight"] for network in checkpoint.networks])
    assert len(stems.unique(dim=0)) == networks


@pytest.mark.parametrize("name", ["shared", "per view"])
@pytest.mark.parametrize("command", ["retrieve", "probe"])
def test_every_view_is_scored_and_all_together(trained, videos, tmp_path, command, name) -> None:
    query = videos / "splits/testlist01.txt"
    folder = run(command, tmp_path, "--checkpoint", trained[name], "--query", query, *FEW)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {*FOUR, "joint"} <= set(metrics)


def test_every_view_is_embedded_by_its_own_network(trained, videos, tmp_path) -> None:
    """With the first network in the place of all, the features of RGB stay, and those of the others change."""
    content = torch.load(trained["per view"] / LAST, weights_only=True)
    state = content["state_dict"]
    for key in [key for key in state if key.startswith("networks.")]:
        state[key] = state["networks.0." + key.split(".", 2)[2]]
    torch.save(content, tmp_path / "first.ckpt")
    features = []
    for number, checkpoint in enumerate((trained["per view"], tmp_path / "first.ckpt")):
        query = ["--query", videos / "splits/testlist01.txt", "--save-features", *FEW]
        folder = run("retrieve", tmp_path / str(number), "--checkpoint", checkpoint, *query)
        features.append(read_features(folder / "query.safetensors").views)
    own, first = features
    assert {view for view in FOUR if torch.equal(own[view].features, first[view].features)} == {"rgb"}


def test_fine_tuning_starts_from_the_network_of_its_view(trained, videos, tmp_path) -> None:
    lists = ["--train", videos / "splits/trainlist01.txt", "--test", videos / "splits/testlist01.txt"]
    options = ["VIEWS", "flow_v", "DATA.FLOW", "dis", "OPTIM.EPOCHS", "1", "OPTIM.LR", "0"]
    folder = run("finetune", tmp_path, "--checkpoint", trained["per view"], *lists, *options)
    start, (tuned,) = read_checkpoint(trained["per view"]).networks, read_checkpoint(folder).networks
    assert torch.equal(tuned["stem.conv.weight"], start[FOUR.index("flow_v")]["stem.conv.weight"])
    assert read_checkpoint(folder).num_classes == 2


def test_the_zoo_has_a_network_for_each_view(trained, tmp_path) -> None:
    published = publish(Request(str(trained["per view"]), "four", data="rendered motions", zoo=str(tmp_path)))
    (file,) = (tmp_path / "weights").glob("*.pth")
    assert published.record.network.num_networks == 4
    networks = read_checkpoint(file).networks
    for view in ("rgb", "residual"):
        (embedding,) = hub_network("r3d", weights=file, in_views=[view]).networks
        assert torch.equal(embedding.stem.conv.weight, networks[FOUR.index(view)]["stem.conv.weight"].float())
    joint = hub_network("r3d", weights=file, in_views=["rgb", "residual"]).eval()
    assert joint(torch.rand(1, 3, 4, 16, 16)).shape == (1, 64)
