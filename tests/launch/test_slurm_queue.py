"""What SLURM is asked, and how its answers are read."""

from pathlib import Path

import pytest

from iic_ptv.errors import InputError
from iic_ptv.launch.job_state import JobState, Phase
from iic_ptv.launch.slurm_queue import ask_slurm, cancel_on_slurm, read_states


def programs(folder: Path, **scripts: str) -> str:
    """A folder of programs that answer as those of a cluster which is not to be had here would."""
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_lines_of_the_queue() -> None:
    lines = (
        "12|PENDING||ReqNodeNotAvail, UnavailableNodes:n[1|2]\n13_2|RUNNING|n[1-2]|None\n14|COMPLETING|n1|None\n"
        "15|OUT_OF_MEMORY|n1|None\n16|REQUEUE_HOLD||None\n"
    )
    assert read_states(lines) == {
        "12": JobState(Phase.WAITING, "ReqNodeNotAvail, UnavailableNodes:n[1|2]"),
        "13_2": JobState(Phase.RUNNING, nodes="n[1-2]"),
        "14": JobState(Phase.ENDING, nodes="n1"),
        "15": JobState(Phase.OVER, "out of memory", "n1"),
        "16": JobState(Phase.WAITING),
    }


def test_lines_of_the_accounting() -> None:
    assert read_states("7|CANCELLED by 1000|n1\n") == {"7": JobState(Phase.OVER, "cancelled", "n1")}


def test_a_job_that_left_the_queue_is_looked_up_in_the_accounting(tmp_path, monkeypatch) -> None:
    squeue = "echo '1|RUNNING|n1|None'"
    monkeypatch.setenv("PATH", programs(tmp_path, squeue=squeue, sacct="echo '2|NODE_FAIL|n2'"))
    states = ask_slurm(["1", "2", "3"])
    assert [state.phase for state in states.values()] == [Phase.RUNNING, Phase.OVER, Phase.GONE]
    assert states["2"].reason == "node fail"


def test_a_cluster_that_does_not_answer_is_no_reason_to_give_a_job_up(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask_slurm(["1"])["1"].phase is Phase.SILENT
    assert "there is no squeue on this machine" in ask_slurm(["1"])["1"].reason
    monkeypatch.setenv("PATH", programs(tmp_path, squeue="echo no controller >&2; exit 1"))
    assert ask_slurm(["1"]) == {"1": JobState(Phase.SILENT, "SLURM does not answer here: no controller")}
    assert ask_slurm([]) == {}


def test_refusals_are_told_in_the_words_of_the_cluster(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", programs(tmp_path, scancel="echo denied >&2; exit 1"))
    with pytest.raises(InputError, match="scancel 1: denied"):
        cancel_on_slurm(["1"])


def test_the_real_one_does_not_know_a_job_that_never_was(slurm, capfd) -> None:
    states = ask_slurm(["99999999"])
    assert states["99999999"].phase is Phase.GONE
    assert set(ask_slurm(["99999998", "99999999"]).values()) == set(states.values())
    assert capfd.readouterr() == ("", "")
