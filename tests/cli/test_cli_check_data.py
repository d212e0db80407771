"""``iic check-data`` as a user runs it."""

from pathlib import Path

import pytest
from commands import iic
from numbered_videos import write_numbered_video

from iic_ptv.cli import main as cli
from iic_ptv.data.preparation.manifest import manifest_path, read_manifest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("IIC_CACHE", str(tmp_path / "cache"))


def test_it_says_what_it_found_and_keeps_it_for_later_runs(mixed_folder) -> None:
    result = iic("check-data", mixed_folder, "--workers", 2, COLUMNS="120")
    assert (result.returncode, result.stderr) == (1, "")  # as some cannot be read
    assert "6, of which 4 cannot be read" in result.stdout
    assert "the file is empty" in result.stdout
    file = manifest_path(mixed_folder)
    assert str(file) in result.stdout
    assert sum(bool(row.error) for row in read_manifest(file).rows.values()) == 4


def test_a_good_collection_has_the_exit_code_0(video_folder, tmp_path, capsys) -> None:
    """With its classes told apart by a list, in the same process to be quick."""
    names = [f"run/v_run_g{group:02}_c01.mp4" for group in (1, 2)]
    (tmp_path / "list.csv").write_text("".join(f"{name},run\n" for name in names))
    output = tmp_path / "manifest.csv"
    arguments = ["check-data", "--output", str(output), "--sha256", "--decode", "all", str(video_folder)]
    cli.main([*arguments, "DATA.LISTS", f"[{tmp_path / 'list.csv'}]", "DATA.KIND", "csv", "DATA.DECODER", "pyav"])
    rows = read_manifest(output).rows
    assert list(rows) == names
    assert all(len(row.sha256) == 64 and row.decoded == "all" for row in rows.values())

    cli.main([*arguments, "--list", str(tmp_path / "list.csv")])
    cli.main(arguments)
    assert len(read_manifest(output).rows) == 9
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "There is no folder 'none'"),
        (["FOLDER", "DATA.KIN", "csv"], "Did you mean DATA.KIND"),
        (["FOLDER", "DATA.DECODER", "vlc"], "decoder: there is no 'vlc'"),
        (["FOLDER", "--list", "none.txt"], "none.txt: there is no such list"),
        (["FOLDER", "--config", "none.yaml"], "none.yaml: there is no such configuration file"),
        (["FOLDER", "--workers", "0"], "must be at least 1, got 0"),
        (["FOLDER", "--output", "FOLDER"], "manifest cannot be read"),
        (["FOLDER", "--output", "TEXT"], "line 1: expected the columns"),
        (["FOLDER", "--output", "TEXT/manifest.csv"], "manifest cannot be written"),
        (["FOLDER", "--decode", "some"], "invalid choice: 'some'"),
    ],
)
def test_mistakes_are_answered_in_one_line(video_folder, tmp_path, capsys, arguments, message) -> None:
    text = tmp_path / "text"
    text.write_text("words\n")
    for name, place in {"FOLDER": video_folder, "TEXT": text}.items():
        arguments = [argument.replace(name, str(place)) for argument in arguments]
    with pytest.raises(SystemExit) as exit_:
        cli.main(["check-data", *arguments])
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_videos_that_are_worth_a_look_are_named(tmp_path, capsys) -> None:
    write_numbered_video(tmp_path / "videos/short.mp4", 3)
    write_numbered_video(tmp_path / "videos/long.mp4", 80, gop=80)
    cli.main(["check-data", str(tmp_path / "videos"), "--workers", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert any("shorter than 16 frames" in line and "short.mp4" in line for line in lines)
    assert any("over 50 frames" in line and "long.mp4" in line for line in lines)
    assert Path(manifest_path(tmp_path / "videos")).exists()
