"""``iic flow`` as a user runs it."""

import sys

import pytest

from iic_ptv.cli import main as cli
from iic_ptv.data.collections import any_folder
from iic_ptv.data.flow import flow_source


def test_it_writes_what_training_reads(mixed_folder, tmp_path, capsys) -> None:
    output = tmp_path / "flow"
    arguments = ["flow", str(mixed_folder), str(output), "--short-side", "24", "--workers", "2"]
    cli.main(arguments)
    out, error = capsys.readouterr()
    assert error == ""
    assert f"the flow of 2 of 6 videos is in {output}, 2 of them new" in out
    assert "40 frames" in out
    assert "the file is empty" in out
    good = [video for video in any_folder(mixed_folder) if "good" in video.name]
    for video in good:
        assert flow_source(str(output)).flow(video, [0, 19], {}, 20).shape == (2, 2, 24, 48)
    cli.main(arguments)
    assert "0 of them new" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none", "OUTPUT"], "There is no folder 'none'"),
        (["FOLDER", "FOLDER/flow"], "must lie apart"),
        (["FOLDER", "OUTPUT", "--bound", "0"], "bound must be more than 0"),
        (["FOLDER", "OUTPUT", "--short-side", "-1"], "short side must be 0"),
        (["FOLDER", "OUTPUT", "--method", "farneback"], "invalid choice: 'farneback'"),
    ],
)
def test_mistakes_are_answered(video_folder, tmp_path, capsys, arguments, message) -> None:
    for name, place in {"FOLDER": video_folder, "OUTPUT": tmp_path / "flow"}.items():
        arguments = [argument.replace(name, str(place)) for argument in arguments]
    with pytest.raises(SystemExit) as exit_:
        cli.main(["flow", *arguments])
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "flow").exists()


def test_without_opencv_it_says_how_to_get_it(video_folder, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(SystemExit):
        cli.main(["flow", str(video_folder), str(tmp_path / "flow")])
    assert 'pip install "iic-ptv[flow]"' in capsys.readouterr().err
    assert not (tmp_path / "flow").exists()
