"""Sweeps of tiny networks."""

import csv
from pathlib import Path

from iic_ptv.data.procedural import write_videos
from iic_ptv.launch.launched_runs import find_runs
from iic_ptv.launch.watch import look_at

# What the views of troubled_views.py leave in their folder or look for there: importing these would register them.
WAITING, GO_ON, BROKEN = "waiting", "go_on", "broken"
SMALL = """
DATA: {CLIP_LENGTH: 4, FRAME_SIZE: [16, 16], CROP: 16, NUM_WORKERS: 0}
MODEL: {OPTIONS: {width: 0.0625}}
LOSS: {NUM_NEGATIVES: 4}
OPTIM: {BATCH_SIZE: 4, EPOCHS: 3}
TRAINER: {ACCELERATOR: cpu, LOG_EVERY: 1}
PLUGINS: [troubled_views]
"""
STEPS = 3 * 4  # of 16 videos
SWEEP = """
config: small.yaml
data: rendered/videos
options: {DATA.LISTS: [rendered/splits/trainlist01.txt]}
evaluate:
  retrieve:
    gallery: rendered/splits/trainlist01.txt
    query: rendered/splits/testlist01.txt
    options: {EVAL.NUM_CLIPS: 1, EVAL.UNTRAINED: false}
"""


def prepare(folder: Path, text: str) -> Path:
    """Write videos, a configuration and a sweep file that ends with ``text``; returns the folder of the sweep."""
    write_videos(
        folder / "rendered",
        motions=("translate_left", "bounce"),
        train_per_class=8,
        test_per_class=1,
        num_frames=8,
        size=16,
        progress=False,
    )
    (folder / "small.yaml").write_text(SMALL)
    (folder / "mine.yaml").write_text(SWEEP + text)
    return folder / "runs" / "sweep" / "mine"


def read_table(folder: Path) -> dict[str, dict[str, str]]:
    """The rows of the table, by member."""
    with (folder / "table.csv").open() as file:
        return {row["member"]: row for row in csv.DictReader(file)}


def are_over(folder: Path) -> bool:
    """Whether no member has a job any more."""
    return all(sight.state.is_over for sight in look_at(list(find_runs(folder))))


def states(folder: Path) -> list[str]:
    """How the members are, as the table has it."""
    return [row["state"] for row in read_table(folder).values()]


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """When each file below a folder was written, and what it holds."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def said(folder: Path) -> str:
    """All that the processes of the members have printed."""
    return "\n".join(f"--- {log.name}\n{log.read_text()}" for log in sorted((folder / "job").glob("*_log.*")))
