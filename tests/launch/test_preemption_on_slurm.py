"""On a real SLURM of two nodes: a run that is killed again and again ends with the bits of one that was not."""

import functools
import json
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from launching import ON_SLURM, SMALL, differences, launch, logs, wait_for_the_end, wait_until, write_small_videos

from iic_ptv.launch.record import read_record
from iic_ptv.runs.checkpoint import read_checkpoint

HERE = Path(__file__).parent
REQUEUE = "scontrol requeue $SLURM_JOB_ID"  # as the owner of the cluster does it
ANNOUNCE = "scancel --signal=USR2 $SLURM_JOB_ID"  # what SLURM sends before the time is up
PREEMPT = "env -i PATH=$PATH sbatch --partition urgent --nodes 2 --exclusive --time 1 --output /dev/null --wrap true"
NODE_FAILURE = "scontrol update nodename=n2 state=down reason=test"  # the daemon is alive, so it is up again at once
KILLS = (REQUEUE, ANNOUNCE, PREEMPT, NODE_FAILURE, ANNOUNCE)


STEPS_PER_EPOCH = 8  # 32 videos, two processes, two clips each
KILL_A_RANK = "kill -9 $(cat $(dirname $IIC_TEST_KILLS)/pid-1)"


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    return write_small_videos(tmp_path_factory.mktemp("rendered"))


def launched(folder: Path, tasks: int, command: list[str], kills: list[tuple[int, str]]) -> Path:
    """The run folder of a job on two nodes that is going to be ended so many times."""
    folder.mkdir(exist_ok=True)
    (folder / "kills.json").write_text(json.dumps(kills))
    return launch(
        *(*ON_SLURM, "--nodes", "2", "--tasks-per-node", str(tasks), *command),
        cwd=folder,
        IIC_TEST_KILLS=str(folder / "kills.json"),
        PYTHONPATH=os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
    )


def pretraining(videos: Path) -> list[str]:
    lists = str(videos / "splits/trainlist01.txt")
    plugin = ["PLUGINS", "[killed_view]", "VIEWS", "[killed, residual]"]
    return ["pretrain", "--data", str(videos / "videos"), *SMALL, "DATA.LISTS", lists, *plugin]


def finished(run: Path) -> Path:
    assert wait_for_the_end(run, longest=900, over=("finished", "failed")) == "finished", logs(run)
    return run


@pytest.fixture(scope="module")
def whole(slurm, videos, tmp_path_factory) -> Callable[[int], Path]:
    """The run that was not ended early, on so many processes of each node."""

    @functools.cache
    def run(tasks: int) -> Path:
        return finished(launched(tmp_path_factory.mktemp("whole"), tasks, pretraining(videos), []))

    return run


# On two cores, four processes take minutes to start six times.
@pytest.mark.parametrize("tasks", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_ended_five_times_at_random_steps_it_ends_with_the_same_bits(whole, videos, tmp_path, tasks) -> None:
    draws = random.Random(tasks)
    kills = [(draws.randint(1, 2), command) for command in KILLS]
    parts = finished(launched(tmp_path, tasks, pretraining(videos), kills))
    assert (parts / "versions-6.json").is_file(), "it did not start six times"
    assert not (whole(tasks) / "versions-2.json").exists()
    assert differences(whole(tasks), parts) == []


def test_when_a_process_is_killed_the_job_ends_and_nothing_before_the_last_checkpoint_is_lost(
    whole, videos, tmp_path
) -> None:
    run = launched(tmp_path, 1, pretraining(videos), [(STEPS_PER_EPOCH + 2, KILL_A_RANK)])
    wait_until(lambda: not in_the_queue(run), what="the end of a job that lost a process")
    assert read_checkpoint(run).step == STEPS_PER_EPOCH
    finished(launched(tmp_path, 1, ["pretrain", "--resume", str(run)], []))
    assert differences(whole(1), run) == []


def in_the_queue(run: Path) -> bool:
    record = read_record(run)
    assert record is not None
    command = ["squeue", "--noheader", "--jobs", record.job_id, "--format", "%T"]
    return bool(subprocess.run(command, capture_output=True, text=True).stdout.strip())
