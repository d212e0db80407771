"""``iic inspect``: what a network sees of a video."""

import json
from pathlib import Path

import pytest
import torch
from numbered_videos import write_numbered_video
from parsed_page import Page
from PIL import Image

from iic_ptv.cli.main import main
from iic_ptv.data.procedural import write_videos
from iic_ptv.registry import INTRA_NEGATIVES

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "1"),
    *("TRAINER.ACCELERATOR", "cpu"),
]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    return write_videos(
        tmp_path_factory.mktemp("videos"),
        motions=("translate_left", "spin_clockwise"),
        train_per_class=4,
        test_per_class=1,
        num_frames=12,
        size=16,
        progress=False,
    )


@pytest.fixture(scope="module")
def video(videos):
    return str(videos / "videos" / "spin_clockwise" / "v_spin_clockwise_g01_c01.mp4")


@pytest.fixture(scope="module")
def trained(videos, tmp_path_factory):
    """The run folder of a pre-training, by the option that it varies."""
    output = tmp_path_factory.mktemp("trained")

    def train(*options):
        main(["pretrain", "--data", str(videos / "videos"), *SMALL, "OUTPUT", str(output), *options])
        return str(max((output / "pretrain").iterdir(), key=lambda folder: folder.stat().st_mtime_ns))

    return train


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def test_shows_every_view_and_every_intra_negative(video, tmp_path, capsys):
    main(["inspect", video, *SMALL, "-o", "seen.html"])
    page = Page((tmp_path / "seen.html").read_text())
    assert {"rgb", "residual", "residual_unscaled", *INTRA_NEGATIVES.names()} <= set(page.texts)
    assert sum("another clip of the video" in text for text in page.texts) == 2  # in both views of the configuration
    assert not {"flow_u", "flow_v", "Cosine similarities"} & set(page.texts)
    assert len(page.of_class("sheet-row")) == 3 + len(INTRA_NEGATIVES.names()) + 2
    with Image.open(tmp_path / "seen.png") as picture:
        assert picture.height > 100 * len(page.of_class("sheet-row"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seen.html", "seen.png"]
    assert "seen.png" in capsys.readouterr().out


def test_what_is_configured_is_shown_beside_what_is_registered(video, tmp_path):
    options = ["INTRA_NEGATIVE", "repeat,shuffle+rotate", "INTRA_NEGATIVE_OPTIONS.rotate.angles", "[180]"]
    main(["inspect", video, *SMALL, *options, "-o", "seen.html"])
    page = Page((tmp_path / "seen.html").read_text())
    assert {"shuffle+rotate", *INTRA_NEGATIVES.names()} <= set(page.texts)
    assert any("two segments exchanged, then all frames turned" in text for text in page.texts)
    assert len(page.of_class("sheet-row")) == 3 + len(INTRA_NEGATIVES.names()) + 1 + 2


def test_the_page_does_not_take_the_place_of_the_picture(video, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["inspect", video, *SMALL, "-o", "seen.png"])
    assert "seen.png: name the HTML page with -o" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_similarities_under_a_checkpoint(video, trained, tmp_path, capsys):
    run = trained()
    capsys.readouterr()
    main(["inspect", video, "--checkpoint", run, "OUTPUT", str(tmp_path)])
    output = capsys.readouterr().out
    (folder,) = (tmp_path / "inspect").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        *("config.yaml", "contact_sheet.png", "metrics.json", "report.html", "versions.json")
    }
    similarity = json.loads((folder / "metrics.json").read_text())["similarity"]
    labels = list(similarity)
    assert {"rgb", "residual", "repeat", "shuffle"} <= set(labels)
    matrix = torch.tensor([[similarity[a][b] for b in labels] for a in labels])
    torch.testing.assert_close(matrix, matrix.T)
    torch.testing.assert_close(matrix.diagonal(), torch.ones(len(labels)))
    assert matrix.abs().max() <= 1
    for label in labels:
        assert label in output
    page = Page((folder / "report.html").read_text())
    assert f"{similarity['rgb']['repeat']:.3f}" in page.texts


def test_a_network_that_has_diverged_is_refused(video, trained, tmp_path, capsys):
    diverged = tmp_path / "diverged.ckpt"
    content = torch.load(Path(trained()) / "checkpoints" / "last.ckpt", weights_only=True)
    content["state_dict"]["networks.0.stem.conv.weight"].fill_(torch.nan)
    torch.save(content, diverged)
    with pytest.raises(SystemExit):
        main(["inspect", video, "--checkpoint", str(diverged), "-o", "seen.html"])
    assert "diverged.ckpt: its features are NaN or infinite" in capsys.readouterr().err
    assert not (tmp_path / "seen.html").exists()


def test_the_same_command_draws_the_same(video, trained, tmp_path):
    run = trained()
    for name in ("a", "b"):
        main(["inspect", video, "--checkpoint", run, "OUTPUT", str(tmp_path / name)])
    a, b = (next((tmp_path / name / "inspect").iterdir()) for name in ("a", "b"))
    assert (a / "metrics.json").read_text() == (b / "metrics.json").read_text()
    assert (a / "contact_sheet.png").read_bytes() == (b / "contact_sheet.png").read_bytes()


def test_networks_per_view_embed_what_they_were_trained_on(video, trained, tmp_path):
    run = trained("MODEL.PER_VIEW", "True")
    main(["inspect", video, "--checkpoint", run, "OUTPUT", str(tmp_path)])
    (folder,) = (tmp_path / "inspect").iterdir()
    similarity = json.loads((folder / "metrics.json").read_text())["similarity"]
    assert {"rgb", "residual", "repeat"} <= similarity.keys()
    assert "residual_unscaled" not in similarity


def test_flow_is_computed_when_asked_for(video, tmp_path):
    pytest.importorskip("cv2", reason="needs the extra flow")
    main(["inspect", video, *SMALL, "DATA.FLOW", "dis", "-o", "seen.html"])
    assert {"flow_u", "flow_v"} <= set(Page((tmp_path / "seen.html").read_text()).texts)


def begins(folder):
    return json.loads((next((folder / "inspect").iterdir()) / "metrics.json").read_text())["clips_begin_at"]


@pytest.mark.parametrize(
    ("arguments", "times"),
    [([], [8, 12]), (["--at", "0"], [0, 4]), (["--at", "0:00.36"], [9, 13]), (["--at", "0.9s"], [20, 16])],
)
def test_the_clip_begins_where_it_should_and_another_one_beside_it(tmp_path, arguments, times):
    video = write_numbered_video(tmp_path / "video.mp4")  # 24 frames, 25 a second
    main(["inspect", str(video), *SMALL, *arguments, "OUTPUT", str(tmp_path)])
    assert begins(tmp_path) == pytest.approx([time / 25 for time in times], abs=1e-3)


def test_a_short_video_has_no_other_clip(tmp_path):
    video = write_numbered_video(tmp_path / "video.mp4", 6)
    main(["inspect", str(video), *SMALL, "OUTPUT", str(tmp_path)])
    assert begins(tmp_path) == pytest.approx([1 / 25], abs=1e-3)


def refusal(capsys, *arguments):
    with pytest.raises(SystemExit) as exit:
        main(["inspect", *map(str, arguments), *SMALL])
    assert exit.value.code == 2
    return capsys.readouterr().err


def test_what_cannot_be_inspected_is_refused(video, bad_files, tmp_path, capsys):
    assert "text.mp4" in refusal(capsys, bad_files["text"])
    assert "missing.mp4" in refusal(capsys, bad_files["missing"])
    assert "there is no clip at 1:00.0" in refusal(capsys, video, "--at", "60")
    assert "'soon' is no time" in refusal(capsys, video, "--at", "soon")
    assert "nowhere: there is no such checkpoint" in refusal(capsys, video, "--checkpoint", "nowhere")
    assert list(tmp_path.iterdir()) == []
