"""Rows of a manifest, made in parallel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import NamedTuple

from iic_ptv.data.decoding import VideoError
from iic_ptv.data.list_files import PathLike
from iic_ptv.data.preparation.manifest import Manifest, ManifestRow, growing_manifest
from iic_ptv.data.preparation.parallel import Failure, available_cores, run_parallel
from iic_ptv.data.progress import progress_bar
from iic_ptv.errors import InputError


class Job(NamedTuple):
    """A video that needs a row.

    Attributes:
        source: its file, or folder of frames.
        path: what the row calls it, see :func:`~iic_ptv.data.preparation.manifest.path_below_root`.
        target: where what is made of it goes, below the folder of all that is made.
    """

    source: str
    path: str
    target: str = ""


def reason_of(error: Exception) -> str:
    """Why a video cannot be read, from what reading it raised: on broken files decoders raise whatever they like.

    Raises:
        InputError: the error is not the video's fault, such as a decoder that is not installed.
    """
    if isinstance(error, VideoError):
        return error.reason
    if isinstance(error, InputError):
        raise error
    return f"{type(error).__name__}: {error}"


def make_rows(
    make: Callable[[Job], ManifestRow],
    jobs: Sequence[Job],
    manifest: Manifest,
    file: PathLike,
    num_workers: int | None,
    time_limit: float,
    title: str,
) -> None:
    """Add a row to a manifest and its file for every job, under a progress bar.

    A job that kills its process, or takes too long, gets a row that says so.

    Args:
        make: makes the row of a job, in another process.
        jobs: the videos.
        manifest: what the rows are added to.
        file: where it is written, now and then and in the end.
        num_workers: processes; None: one for each core.
        time_limit: seconds for every job; 0 for any.
        title: what is being done, for the bar.

    Raises:
        InputError: the manifest cannot be written, or ``make`` raised it.
    """
    bad, num_workers = 0, available_cores() if num_workers is None else num_workers
    with (
        growing_manifest(file, manifest) as add,
        progress_bar() as bar,
        closing(run_parallel(make, jobs, num_workers, time_limit)) as outcomes,
    ):
        task = bar.add_task(title, total=len(jobs))
        for job, outcome in outcomes:
            if isinstance(outcome, Failure):
                row = ManifestRow.of_unread(job.source, job.path, outcome.reason)
            else:
                row = outcome
            add(row)
            bad += bool(row.error)
            bar.update(task, advance=1, description=f"{title}, {bad} bad" if bad else title)
