"""``iic index`` and ``iic search`` as a user runs them."""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from commands import Command, iic
from numbered_videos import write_numbered_video

from iic_ptv.cli import main as cli
from iic_ptv.config import load_config
from iic_ptv.runs.pretraining.pretrain import pretrain
from iic_ptv.search.clip_index import read_index

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "1"),
    *("TRAINER.ACCELERATOR", "cpu"),
]


@pytest.fixture(scope="module")
def make_run(video_folder, tmp_path_factory):
    """Pre-train for an epoch with a seed."""

    def make(seed: int) -> Path:
        folder = tmp_path_factory.mktemp("run")
        pretrain(load_config(None, ["DATA.ROOT", str(video_folder), *SMALL, "SEED", str(seed)]), folder)
        return folder

    return make


@pytest.fixture(scope="module")
def trained(make_run) -> Path:
    return make_run(0)


@pytest.fixture(scope="module")
def made(video_folder, trained, tmp_path_factory) -> Path:
    """The index of the shared collection."""
    path = tmp_path_factory.mktemp("index") / "my.index"
    cli.main(["index", str(video_folder), "-o", str(path), "--checkpoint", str(trained)])
    return path


@pytest.fixture
def query(video_folder) -> str:
    return str(video_folder / "run" / "v_run_g02_c01.mp4")


def refused(arguments: list[object], capsys) -> str:
    """The message of a command that refuses."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(argument) for argument in arguments])
    assert stop.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def search_json(capsys, *arguments: object) -> list[dict]:
    cli.main(["search", *map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)["hits"]


def test_a_folder_is_indexed_searched_and_brought_up_to_date(video_folder, trained, tmp_path, capsys) -> None:
    folder, path = tmp_path / "videos", tmp_path / "my.index"
    shutil.copytree(video_folder, folder)
    (folder / "text.mp4").write_text("no video")
    options = ["--every", "0.2", "--least", "3", "EVAL.VIEWS", "rgb"]
    cli.main(["index", str(folder), "-o", str(path), "--checkpoint", str(trained), *options])
    out = capsys.readouterr()
    assert "45 clips of 9 videos; 9 new or changed, 0 as before, 0 gone" in out.out
    assert "1 video cannot be read" in out.out
    assert out.err == ""

    (folder / "jump" / "v_jump_g01_c01.mp4").unlink()
    write_numbered_video(folder / "new.mp4", 20, first=200)
    cli.main(["index", str(folder), "-o", str(path)])
    assert "45 clips of 9 videos; 1 new or changed, 8 as before, 1 gone" in capsys.readouterr().out

    (hit,) = search_json(capsys, path, folder / "new.mp4", "--include-query", "-k", 1, "--at", "0.32s")
    assert (hit["rank"], hit["path"]) == (1, str(folder / "new.mp4"))
    assert hit["similarity"] == pytest.approx(1, abs=1e-3)


def test_the_query_is_left_out_unless_it_is_asked_for(made, query, capsys) -> None:
    found = [hit["path"] for hit in search_json(capsys, made, query, "-k", 20)]
    assert len(found) == 8
    assert query not in found
    assert [hit["path"] for hit in search_json(capsys, made, query, "-k", 20, "--include-query")] == [query, *found]


def test_an_index_of_mixed_precision_is_searched_in_that(made, video_folder, trained, query, tmp_path, capsys) -> None:
    path = tmp_path / "mixed.index"
    options = ["--checkpoint", str(trained), "EVAL.PRECISION", "bf16-mixed"]
    cli.main(["index", str(video_folder), "-o", str(path), *options])
    capsys.readouterr()
    assert (read_index(path).settings["EVAL.PRECISION"], "EVAL.PRECISION" in read_index(made).settings) == (
        "bf16-mixed",
        False,
    )
    similarities = (read_index(path).vectors[:] * read_index(made).vectors[:]).sum(dim=1)
    assert 0.999 < similarities.min() < similarities.max() < 1.001
    assert not torch.equal(read_index(path).vectors[:], read_index(made).vectors[:])
    (hit,) = search_json(capsys, path, query, "--include-query", "-k", 1)
    assert hit["similarity"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("engine", ["faiss", "faiss-ivf"])
def test_engines_agree(made, query, engine, capsys) -> None:
    exact = search_json(capsys, made, query, "-k", 3)
    other = search_json(capsys, made, query, "-k", 3, "--engine", engine)
    if engine == "faiss":
        assert other == exact
    assert set(other[0]) == set(exact[0])


def test_the_table_names_videos_and_times(made, query, capsys) -> None:
    cli.main(["search", str(made), query, "-k", "2", "--at", "0.2"])
    lines = capsys.readouterr().out.splitlines()
    assert "1 clip of v_run_g02_c01.mp4 against 36 clips of 9 videos" in " ".join(lines)
    rows = [line for line in lines if ".mp4 " in line and "0:00." in line]
    assert len(rows) == 2
    cli.main(["search", str(made), query, "-k", "1"])
    assert "the most similar video, and where in it." in " ".join(capsys.readouterr().out.split())


def test_the_page_shows_the_hits(made, query, tmp_path, capsys) -> None:
    page = tmp_path / "found" / "page.html"
    cli.main(["search", str(made), query, "-k", "3", "--html", str(page)])
    assert str(page) in capsys.readouterr().out
    html = page.read_text()
    found = search_json(capsys, made, query, "-k", 3)
    assert all(f'href="{Path(hit["path"]).as_uri()}#t={hit["seconds"]:.2f}"' in html for hit in found)
    assert html.count("data:image/webp") == 4
    assert "<script" not in html


def test_an_untrained_network_is_taken_only_on_request(video_folder, query, tmp_path, capsys) -> None:
    arguments = ["index", video_folder, "-o", tmp_path / "my.index", *SMALL]
    assert "--checkpoint: name the run folder or file of a trained network" in refused(arguments, capsys)
    assert not list(tmp_path.iterdir())
    cli.main([*map(str, arguments), "--untrained"])
    capsys.readouterr()
    assert len(search_json(capsys, tmp_path / "my.index", query)) == 8


def test_an_index_knows_its_checkpoint_wherever_that_goes(video_folder, trained, query, tmp_path, capsys) -> None:
    run, path = shutil.copytree(trained, tmp_path / "run"), tmp_path / "my.index"
    cli.main(["index", str(video_folder), "-o", str(path), "--checkpoint", str(run)])
    run.rename(tmp_path / "moved")
    message = refused(["search", path, query], capsys)
    assert "last.ckpt is not there any more; say where it is with --checkpoint" in message
    assert len(search_json(capsys, path, query, "--checkpoint", tmp_path / "moved")) == 8


def test_settings_that_the_index_was_not_made_with_are_refused(
    made, make_run, trained, video_folder, query, capsys
) -> None:
    other = make_run(1)
    before = made.read_bytes()
    for command in (["search", made, query], ["index", video_folder, "-o", made]):
        message = refused([*command, "--checkpoint", other], capsys)
        assert "made with other settings: the weights of the network (another checkpoint)" in message
    for options, difference in {
        ("EVAL.VIEWS", "rgb"): "EVAL.VIEWS (['rgb', 'residual'] there, ['rgb'] here)",
        ("DATA.STRIDE", "2"): "DATA.STRIDE (1 there, 2 here)",
        ("DATA.CROP", "12"): "DATA.CROP (16 there, 12 here)",
        ("EVAL.FEATURES", "map"): "EVAL.FEATURES (pooled there, map here)",
        ("EVAL.PRECISION", "bf16-mixed"): "EVAL.PRECISION (32-true there, bf16-mixed here)",
        ("--every", "3"): "--every (2.0 there, 3.0 here)",
    }.items():
        for more in ([], ["--checkpoint", trained]):
            assert difference in refused(["index", video_folder, "-o", made, *more, *options], capsys)
    assert made.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "INDEX", "TEXT"], "text.mp4: it is damaged, cut off, or not a video"),
        (["search", "INDEX", "nowhere.mp4"], "nowhere.mp4: No such file"),
        (["search", "INDEX", "QUERY", "-k", "0"], "-k: expected the number of videos to find, at least 1; got 0"),
        (["search", "INDEX", "QUERY", "--at", "1:02"], "there is no clip at 1:02.0; it lasts 0:00.8"),
        (["search", "INDEX", "QUERY", "--at", "soon"], "'soon' is no time in a video"),
        (["search", "INDEX", "QUERY", "--json", "--html", "x"], "not allowed with argument"),
        (["search", "INDEX", "QUERY", "--html", "TEXT/page.html"], "the page cannot be written there"),
        (["search", "TEXT", "QUERY"], "text.mp4: not an index"),
        (["search", "TRUNCATED", "QUERY"], "damaged or cut off"),
        (["search", "none.index", "QUERY"], "none.index: there is no such index; `iic index FOLDER -o"),
        (["index", "nowhere", "-o", "new.index", "--untrained"], "There is no folder 'nowhere'"),
        (["index", "EMPTY", "-o", "new.index", "--untrained"], "no video files"),
        (["index", "VIDEOS", "-o", "TEXT", "--untrained"], "text.mp4: not an index"),
        (["index", "VIDEOS", "-o", "TEXT/my.index", "--untrained", *SMALL], "cannot be written there"),
        (["index", "VIDEOS", "-o", "new.index", "--checkpoint", "TEXT"], "text.mp4: not a readable checkpoint"),
        (["index", "VIDEOS", "-o", "new.index", "--untrained", "DATA.STRID", "2"], "Did you mean DATA.STRIDE"),
        (["index", "VIDEOS", "-o", "new.index", "--untrained", "DATA.STRIDE"], "'DATA.STRIDE' has no value"),
        (["index", "VIDEOS", "-o", "new.index", "--untrained", "--every", "0", *SMALL], "a clip every so many seconds"),
        (["index", "VIDEOS", "-o", "new.index", "--untraind"], "--untraind"),
    ],
    ids=lambda value: " ".join(value[:6]) if isinstance(value, list) else "",
)
def test_a_mistake_is_answered_with_one_message(
    arguments, message, made, query, video_folder, bad_files, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    truncated = tmp_path / "truncated.index"
    truncated.write_bytes(made.read_bytes()[:-100])
    places = {
        "INDEX": str(made),
        "QUERY": query,
        "VIDEOS": str(video_folder),
        "EMPTY": str(tmp_path / "empty"),
        "TRUNCATED": str(truncated),
    }
    text = str(bad_files["text"])
    words = [places.get(word, word).replace("TEXT", text) for word in arguments]
    assert message in refused(words, capsys)
    assert not (tmp_path / "new.index").exists()


def test_without_faiss_one_is_told_how_to_get_it(made, query, monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    for engine in ("faiss", "faiss-ivf"):
        assert 'pip install "iic-ptv[faiss]"' in refused(["search", made, query, "--engine", engine], capsys)


def test_an_index_without_a_readable_video_has_nothing_to_find(trained, bad_files, query, tmp_path, capsys) -> None:
    (tmp_path / "videos").mkdir()
    shutil.copy(bad_files["text"], tmp_path / "videos")
    path = tmp_path / "my.index"
    cli.main(["index", str(tmp_path / "videos"), "-o", str(path), "--checkpoint", str(trained)])
    assert "0 clips of 0 videos" in capsys.readouterr().out
    assert "none of its videos can be read" in refused(["search", path, query], capsys)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_command_goes_on(number, video_folder, trained, tmp_path) -> None:
    """With worker processes, as a user runs it."""
    folder = tmp_path / "videos"
    for copy in range(4):
        shutil.copytree(video_folder, folder / str(copy))
    arguments = ["index", folder, "-o", "my.index", "--checkpoint", trained, "DATA.NUM_WORKERS", "2"]
    command = Command(*arguments, cwd=tmp_path)
    while not (tmp_path / ".my.index.partial").exists():  # until it embeds
        assert command.running, command.err
        time.sleep(0.01)
    command.interrupt(number)
    stopped = command.ended()
    assert not (tmp_path / "my.index").exists()
    assert "Traceback" not in stopped.stderr
    if number == signal.SIGINT:
        assert stopped.returncode == 130
        assert "the same command goes on" in stopped.stdout
    again = iic(*arguments, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "of 36 videos; 36 new" in again.stdout
    assert sorted(os.listdir(tmp_path)) == ["my.index", "videos"]
