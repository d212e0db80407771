"""``iic prepare`` as a user runs it."""

import re

import pytest

from iic_ptv.cli import main as cli
from iic_ptv.data.collections import any_folder
from iic_ptv.data.decoding import describe_video


def test_it_says_what_became_of_the_collection(mixed_folder, tmp_path, capsys) -> None:
    output = tmp_path / "prepared"
    arguments = ["prepare", str(mixed_folder), str(output), "--short-side", "16", "--gop", "4", "--workers", "2"]
    cli.main(arguments)
    out, error = capsys.readouterr()
    assert error == ""
    assert f"2 of 6 videos are in {output}, 2 of them new" in out
    assert re.search(r"the file is empty +1 +empty\.mp4", out)
    assert re.search(r"[\d.]+ kB before, [\d.]+ kB now; \d+ s", out)
    for path in any_folder(output).paths:
        video = describe_video(path)
        assert (video.num_frames, video.height, video.width, video.gop) == (20, 16, 32, 4)

    cli.main(arguments)
    assert "2 of 6 videos are in" in (out := capsys.readouterr().out)
    assert "0 of them new" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none", "OUTPUT"], "There is no folder 'none'"),
        (["FOLDER", "FOLDER/prepared"], "must lie apart"),
        (["FOLDER", "FILE"], "this is a file"),
        (["FOLDER", "FILE/prepared"], "cannot be written to"),
        (["FOLDER", "OUTPUT", "--crf", "60"], "CRF must be from 0 to 51"),
        (["FOLDER", "OUTPUT", "--workers", "0"], "must be at least 1"),
    ],
)
def test_mistakes_are_answered_in_one_line(video_folder, tmp_path, capsys, arguments, message) -> None:
    (tmp_path / "file").touch()
    places = {"FOLDER": video_folder, "OUTPUT": tmp_path / "prepared", "FILE": tmp_path / "file"}
    for name, place in places.items():
        arguments = [argument.replace(name, str(place)) for argument in arguments]
    with pytest.raises(SystemExit) as exit_:
        cli.main(["prepare", *arguments])
    assert exit_.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
