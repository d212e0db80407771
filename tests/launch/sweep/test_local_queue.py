"""The queue of a sweep on this machine."""

import os
from pathlib import Path

import pytest
from light_job import LightJob

from iic_ptv.launch.record import log_of, read_record
from iic_ptv.launch.request import JobRequest
from iic_ptv.launch.sweep.local_queue import LocalQueue


@pytest.fixture
def run_queue(tmp_path, monkeypatch, signals_as_before):
    """Run a queue of light jobs to its end; returns their folders."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))

    def run(request: JobRequest, waits: dict[str, str]) -> dict[str, Path]:
        folders = {name: tmp_path / "members" / name for name in waits}
        for folder in folders.values():
            folder.mkdir(parents=True)
        jobs = {name: LightJob(str(folders[name]), other) for name, other in waits.items()}
        LocalQueue(jobs, str(tmp_path), "../../job", request, "light")()
        return folders

    return run


def running(folders: dict[str, Path]) -> list[list[str]]:
    """Which jobs each of them saw running when it began, itself included."""
    return [(folder / "running").read_text().split() for folder in folders.values()]


def test_without_a_number_one_runs_after_the_other(run_queue) -> None:
    folders = run_queue(JobRequest(cluster="local"), dict.fromkeys("abc", ""))
    assert running(folders) == [["a"], ["b"], ["c"]]
    for folder in folders.values():
        assert (folder / "gpus").read_text() == ""
        record = read_record(folder)
        assert record is not None
        assert (record.cluster, record.command) == ("local", "iic pretrain")
        assert log_of(folder, record).is_file()


def test_as_many_run_at_once_as_may_and_none_has_the_gpus_of_another(run_queue) -> None:
    request = JobRequest(cluster="local", array_parallelism=2, gpus_per_node=2, tasks_per_node=1)
    folders = run_queue(request, {"a": "b", "b": "", "c": "d", "d": ""})  # a and c end only beside another
    assert all(len(names) <= 2 for names in running(folders))
    gpus = {name: (folder / "gpus").read_text() for name, folder in folders.items()}
    assert set(gpus.values()) == {"0,1", "2,3"}
    assert gpus["a"] != gpus["b"]
    assert gpus["c"] != gpus["d"]
