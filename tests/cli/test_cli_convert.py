"""``iic convert``: from a file of others to a network that every command and torch.hub take, and back."""

from pathlib import Path

import pytest
import torch
from authors_files import write_pretraining
from authors_networks import authors_network
from trainer_files import Trained, write_trained

from iic_ptv.cli.main import main
from iic_ptv.data.procedural import write_videos
from iic_ptv.models import r3d
from iic_ptv.zoo.hub import hub_network

SEEN = ["DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16"]


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """A network, and the name of a file of the authors with it, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(2)
    network = r3d(width=0.0625).eval()
    return network, write_pretraining(Path("theirs.pth"), network, "r3d").name


def written(folder: str, pattern: str) -> str:
    (found,) = Path(folder).glob(pattern)
    return str(found)


def test_what_it_says(theirs, capsys) -> None:
    main(["convert", theirs[1], "-o", "zoo", "--name", "r3d.theirs", "--half", "--format", "pth", *SEEN])
    weights = written("zoo", "r3d.theirs-*.pth")
    assert capsys.readouterr().out.splitlines() == [
        "read: r3d (width 0.0625) of the authors of IIC, 72 tensors",
        "left out: opt, contrast, optimizer, epoch",
        "sees: rgb, residual; 4 frames, stride 1, 16 x 16 of 16 x 16 (VIEWS and DATA.* say otherwise)",
        f"weights: {weights}",
        "record: zoo/r3d.theirs.json",
        f"next: iic retrieve --checkpoint {weights} --data FOLDER",
        f'or: torch.hub.load(REPOSITORY, "r3d", weights="{weights}")',
    ]


def test_the_file_goes_where_checkpoints_go(theirs, tmp_path, capsys) -> None:
    network, file = theirs
    main(["convert", file, *SEEN])
    weights = written(".", "r3d.theirs-*.safetensors")
    clip = torch.rand(1, 3, 4, 16, 16)
    assert torch.equal(hub_network("r3d", weights=weights).eval()(clip), network(clip))

    videos = write_videos(
        tmp_path / "data",
        motions=("translate_left", "spin_clockwise"),
        train_per_class=2,
        test_per_class=1,
        num_frames=8,
        size=16,
        progress=False,
    )
    options = ["DATA.NUM_WORKERS", "0", "EVAL.NUM_CLIPS", "2", "TRAINER.ACCELERATOR", "cpu"]
    lists = ["--query", str(videos / "splits/testlist01.txt"), "--gallery", str(videos / "splits/trainlist01.txt")]
    main(["retrieve", "--checkpoint", weights, "--data", str(videos / "videos"), *lists, *options])
    out = capsys.readouterr().out
    assert "joint" in out
    assert "r3d.theirs" in (Path(written("runs/retrieve", "*")) / "report.html").read_text()
    video = next((videos / "videos" / "spin_clockwise").glob("*.mp4"))
    main(["inspect", str(video), "--checkpoint", weights, "-o", "seen.html", "DATA.NUM_WORKERS", "0"])
    assert "cosine similarity" in capsys.readouterr().out


def test_and_back(theirs, capsys) -> None:
    network, file = theirs
    main(["convert", file, *SEEN])
    capsys.readouterr()
    main(["convert", written(".", "r3d.theirs-*.safetensors"), "--to", "reference", "-o", "back"])
    assert capsys.readouterr().out.splitlines() == [
        "read: r3d (width 0.0625) of the zoo, 72 tensors",
        "weights: back/r3d.theirs.reference.pth",
        "for the authors' r3d, with layer sizes 1, 1, 1, 1, changed to 4, 8, 16, 32 channels, without a classifier",
    ]
    original = authors_network("r3d", 0.0625).eval()
    original.load_state_dict(torch.load("back/r3d.theirs.reference.pth", weights_only=True)["model"], strict=True)
    clip = torch.rand(1, 3, 4, 16, 16)
    torch.testing.assert_close(original(clip), network(clip))


def test_what_differs_from_a_recipe_is_noted(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    write_trained(tmp_path / "simclr.ckpt", Trained("SimCLR").state_dict())
    main(["convert", "simclr.ckpt", *SEEN])
    out = capsys.readouterr().out
    assert "read: slow_r50 (stem_dim_out 4, stem_frames 3) of PyTorchVideo's trainer, 318 tensors" in out
    assert "note: PyTorchVideo's trainer takes 8 frames evenly from 2 seconds" in out
    assert "torch.hub" not in out  # it has no entry point for this network


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.pth"], "missing.pth: there is no such checkpoint"),
        (["theirs.pth", "--architecture", "c3d"], "--architecture: theirs.pth is of r3d, not of c3d."),
        (["theirs.pth", "--name", "x"], "--name: 'x' is no name for a checkpoint"),
        (["theirs.pth", "OPTIM.LR", "1"], "OPTIM.LR: the file tells"),
        (["theirs.pth", "-o", "theirs.pth"], "theirs.pth: cannot be written to"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments, message, theirs, capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["convert", *arguments])
    assert f"iic: {message}" in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["theirs.pth"]
