"""Finding runs that were launched."""

from pathlib import Path

import pytest

from iic_ptv.errors import InputError
from iic_ptv.launch.launched_runs import find_runs, runs_of
from iic_ptv.launch.record import JobRecord, write_record


def launched(folder: Path, submitted: str = "2026-01-01T00:00:00+00:00") -> Path:
    folder.mkdir(parents=True)
    write_record(folder, JobRecord("1", "slurm", "job", 1, "iic pretrain", submitted))
    return folder


def test_they_are_found_in_sweeps_but_not_in_copies_of_code(tmp_path) -> None:
    run = launched(tmp_path / "pretrain" / "one")
    member = launched(tmp_path / "sweep" / "grid" / "members" / "seed0")
    launched(run / "retrieve")  # is part of the run
    for inside in ("code", "code-2", "checkpoints", ".git"):
        launched(tmp_path / "sweep" / "grid" / inside / "copy")
    launched(tmp_path / "a/b/c/d/e/f")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [found.folder for found in find_runs(tmp_path)] == [run, member]
    assert [found.folder for found in find_runs(member)] == [member]


def test_the_newest_comes_first_and_members_of_an_array_in_their_order(tmp_path, monkeypatch) -> None:
    old = launched(tmp_path / "runs" / "pretrain" / "b", "2026-01-01T00:00:00+00:00")
    new = launched(tmp_path / "runs" / "pretrain" / "a", "2026-01-03T00:00:00+00:00")
    members = [launched(tmp_path / "runs" / "sweep" / name, "2026-01-02T00:00:00+00:00") for name in ("m0", "m1")]
    monkeypatch.chdir(tmp_path)
    expected = [new, *members, old]
    assert [run.folder for run in runs_of([])] == [folder.relative_to(tmp_path) for folder in expected]
    named = runs_of([str(old), "runs/sweep", "runs/sweep/m1"])
    assert [run.folder.name for run in named] == ["m0", "m1", "b"], "each once"


def test_without_an_output_folder_there_are_none(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert runs_of([]) == []


def test_names_that_are_no_launched_runs_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="nowhere: there is no such run folder"):
        runs_of([str(tmp_path / "nowhere")])
    (tmp_path / "here").mkdir()
    with pytest.raises(InputError, match=r"here: no run here was launched as a job, there is no job\.json"):
        runs_of([str(tmp_path / "here")])
    (launched(tmp_path / "damaged") / "job.json").write_text("{")
    with pytest.raises(InputError, match=r"damaged/job\.json: the record of a job is damaged"):
        runs_of([str(tmp_path)])
