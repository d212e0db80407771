"""On a real SLURM of two nodes: a run that is killed again and again ends with the bits of one that was not."""

import json
import os
import random
from pathlib import Path

import pytest
from launching import ON_SLURM, SMALL, differences, launch, logs, wait_for_the_end, write_small_videos

HERE = Path(__file__).parent
REQUEUE = "scontrol requeue $SLURM_JOB_ID"  # as the owner of the cluster does it
ANNOUNCE = "scancel --signal=USR2 $SLURM_JOB_ID"  # what SLURM sends before the time is up
PREEMPT = "env -i PATH=$PATH sbatch --partition urgent --nodes 2 --exclusive --time 1 --output /dev/null --wrap true"
# As often as it takes for all ways in which a job can be ended and go on.
KILLS = (REQUEUE, ANNOUNCE, PREEMPT, REQUEUE, ANNOUNCE)


def pretrained(folder: Path, videos: Path, tasks: int, kills: list[tuple[int, str]]) -> Path:
    """The run folder of a pre-training on two nodes that was ended so many times."""
    folder.mkdir()
    (folder / "kills.json").write_text(json.dumps(kills))
    run = launch(
        *ON_SLURM,
        *("--nodes", "2", "--tasks-per-node", str(tasks)),
        *("pretrain", "--data", str(videos / "videos"), *SMALL, "DATA.LISTS", str(videos / "splits/trainlist01.txt")),
        *("PLUGINS", "[killed_view]", "VIEWS", "[killed, residual]"),
        cwd=folder,
        IIC_TEST_KILLS=str(folder / "kills.json"),
        PYTHONPATH=os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
    )
    assert wait_for_the_end(run, over=("finished", "failed")) == "finished", logs(run)
    return run


@pytest.mark.parametrize("tasks", [1, 2])
def test_killed_five_times_at_random_steps_it_ends_with_the_same_bits(slurm, tmp_path, tasks) -> None:
    videos = write_small_videos(tmp_path / "videos")
    draws = random.Random(tasks)
    kills = [(draws.randint(1, 2), command) for command in KILLS]
    whole = pretrained(tmp_path / "whole", videos, tasks, [])
    parts = pretrained(tmp_path / "parts", videos, tasks, kills)
    assert (parts / "versions-6.json").is_file(), "it did not start six times"
    assert not (whole / "versions-2.json").exists()
    assert differences(whole, parts) == []
