"""``iic zoo``: what it prints, where it puts files, and its exit codes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from published_checkpoint import NAME, publish_checkpoint

from iic_ptv.cli.main import main
from iic_ptv.runs.zoo.pinned import pin_clip
from iic_ptv.zoo import catalogue
from iic_ptv.zoo.catalogue import record_text
from iic_ptv.zoo.record import REPORTED, Metric, Record
from iic_ptv.zoo.weights_file import read_weights, sha256_of

DAMAGED = 2


@pytest.fixture
def record(tmp_path, monkeypatch) -> Record:
    """A zoo of one checkpoint of ours, with a pinned clip, and one of others; the cache of torch.hub is empty."""
    zoo = tmp_path / "package" / "model_zoo"
    ours = publish_checkpoint(zoo)
    ours = replace(ours, pinned_clip=pin_clip(read_weights(zoo / "weights" / ours.files[0].file)), default=True)
    metric = Metric("retrieval top-1", 36.5, "UCF101 [split 1]", "rgb; 10 clips", REPORTED, date="the paper")
    theirs = replace(
        ours,
        name="r3d.theirs",
        files=(),
        metrics=(metric,),
        default=False,
        published="https://example.org/r3d.pth",
        how_to_convert="iic convert r3d.pth",
    )
    for each in (ours, theirs):
        write(zoo, each)
    monkeypatch.setattr(catalogue, "PACKAGE", zoo.parent)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    monkeypatch.setenv("COLUMNS", "200")
    return ours


def write(zoo: Path, record: Record) -> None:
    (zoo / "records" / f"{record.name}.json").write_text(record_text(record))


def printed(capsys, *arguments: object) -> str:
    main(["zoo", *map(str, arguments)])
    return capsys.readouterr().out


def refused(capsys, *arguments: object) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(["zoo", *map(str, arguments)])
    assert exit_.value.code == 2
    said = capsys.readouterr()
    return said.err or said.out


def test_list_shows_ours_and_those_of_others(record, capsys) -> None:
    text = printed(capsys, "list")
    assert f"{NAME} (default)" in text
    assert "to be downloaded and converted" in text
    assert "UCF101 [split 1]: retrieval 36.5 (reported)" in text
    assert "(reported)" in text


def test_show_tells_all_that_is_known(record, capsys) -> None:
    text = printed(capsys, "show", NAME)
    assert all(fact in text for fact in (record.title, "rgb, residual", record.licence, f"{NAME}.yaml"))
    assert all(file.file in text for file in record.files)
    theirs = printed(capsys, "show", "r3d.theirs")
    assert "https://example.org/r3d.pth" in theirs
    assert "iic convert r3d.pth" in theirs
    assert "36.5" in theirs


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_download_puts_a_copy_where_it_is_told(record, tmp_path, capsys, suffix) -> None:
    (file,) = [file for file in record.files if file.file.endswith(suffix)]
    text = printed(capsys, "download", NAME, "--format", suffix, "-o", tmp_path / "here")
    copy = tmp_path / "here" / file.file
    assert text.strip() == str(copy)
    assert sha256_of(copy) == file.sha256
    kept = Path(printed(capsys, "download", NAME, "--format", suffix).strip())
    assert kept == tmp_path / "package/model_zoo/weights" / file.file


def test_download_of_what_others_publish_says_what_to_do(record, capsys) -> None:
    message = refused(capsys, "download", "r3d.theirs")
    assert "https://example.org/r3d.pth" in message
    assert "iic convert r3d.pth" in message


def test_an_unknown_name_and_a_folder_that_is_a_file_are_refused(record, tmp_path, capsys) -> None:
    assert f"Did you mean {NAME}" in refused(capsys, "show", "r3d.smal")
    (tmp_path / "file").touch()
    assert "cannot be written to" in refused(capsys, "download", NAME, "-o", tmp_path / "file")


def test_verify_finds_all_in_order(record, capsys) -> None:
    text = printed(capsys, "verify")
    assert text.count("shipped") >= 2
    assert "damaged" not in text
    assert "published at https://example.org/r3d.pth" in text


def test_verify_finds_a_damaged_file(record, tmp_path, capsys) -> None:
    path = tmp_path / "package/model_zoo/weights" / record.files[0].file
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    text = refused(capsys, "verify", NAME)
    assert "damaged" in text
    assert record.files[0].file in text


def test_verify_finds_features_that_are_not_those_that_were_pinned(record, tmp_path, capsys) -> None:
    pinned = replace(record.pinned_clip, norm=1.1 * record.pinned_clip.norm)
    write(tmp_path / "package/model_zoo", replace(record, pinned_clip=pinned))
    text = " ".join(refused(capsys, "verify").replace("│", " ").split())
    assert "features of the pinned clip" in text


def test_publish_refuses_what_is_no_run(record, tmp_path, capsys) -> None:
    weights = tmp_path / "package/model_zoo/weights" / record.files[0].file
    for run in (weights, tmp_path):
        assert str(run) in refused(capsys, "publish", run, "--tag", "again", "--data", "nothing")
    assert "--tag" in refused(capsys, "publish", tmp_path)
