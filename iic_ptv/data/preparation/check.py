"""Finding out what a collection holds, and which of its videos cannot be read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from iic_ptv.data.decoding import describe_video, open_video
from iic_ptv.data.decoding.frame_folder import frame_files
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.preparation.declared_size import check_whole
from iic_ptv.data.preparation.manifest import Manifest, ManifestRow, path_below_root, read_manifest
from iic_ptv.data.preparation.pictures import pictures
from iic_ptv.data.preparation.rows import Job, make_rows, reason_of
from iic_ptv.errors import InputError

Decode = Literal["none", "ends", "all"]

READ_AT_ONCE = 2**20  # bytes


def check_collection(
    index: VideoIndex,
    file: str | os.PathLike[str],
    *,
    decode: Decode = "ends",
    sha256: bool = False,
    decoder: str = "auto",
    num_workers: int | None = None,
    time_limit: float = 60.0,
) -> Manifest:
    """Read every video of a collection and keep in a manifest what was found.

    Good videos that an existing manifest knows, and that have not changed since, are not read again.

    Args:
        index: the videos.
        file: the manifest; rows of videos that are not in ``index`` stay in it.
        decode: which frames to decode: "none", for what the container tells; "ends", the first and the last, which
            shows most files that are cut off; "all".
        sha256: also compute the hash of every file.
        decoder: what decodes the ends, see :func:`~iic_ptv.data.decoding.open_video`.
        num_workers: processes; None: one for each core.
        time_limit: seconds that a video may take before it counts as bad; 0 for any.

    Returns:
        The rows of the videos in ``index``, in its order.

    Raises:
        InputError: an option cannot be used, or the manifest cannot be read or written.
    """
    if decode not in get_args(Decode):
        raise InputError(f"decode: there is no '{decode}'; choose one of {', '.join(get_args(Decode))}.")
    manifest = read_manifest(file) if Path(file).exists() else Manifest({})
    jobs = [Job(video.path, path_below_root(video)) for video in index]
    make = partial(check_video, decode=decode, sha256=sha256, decoder=decoder)
    unknown = [job for job in jobs if not _is_known(job, manifest, decode, sha256)]
    make_rows(make, unknown, manifest, file, num_workers, time_limit, "Checking videos")
    return Manifest({job.path: manifest.rows[job.path] for job in jobs})


def _is_known(job: Job, manifest: Manifest, decode: Decode, sha256: bool) -> bool:
    row = manifest.rows.get(job.path)
    if row is None or row.error or (sha256 and not row.sha256):
        return False  # a bad one may have failed for a reason that is gone, such as a limit of time
    thorough = get_args(Decode).index
    return thorough(row.decoded) >= thorough(decode) and row.is_of(job.source)


def check_video(job: Job, decode: Decode, sha256: bool, decoder: str) -> ManifestRow:
    """The row of one video; a video that cannot be read gets one that says why."""
    row = ManifestRow.of_unread(job.source, job.path)
    if row.error:
        return row
    try:
        check_whole(job.source)
        found = describe_video(job.source)
        row = row._replace(
            num_frames=found.num_frames, frame_rate=found.frame_rate, height=found.height, width=found.width,
            codec=found.codec, gop=found.gop,
        )  # fmt: skip
        _decode(job.source, decode, decoder)
        return row._replace(decoded=decode, sha256=_sha256(job.source) if sha256 else "")
    except Exception as error:
        return row._replace(error=reason_of(error))


def _decode(source: str, decode: Decode, decoder: str) -> None:
    """Decode some frames for the errors that this raises."""
    if decode == "ends":
        with open_video(source, decoder) as video:
            video.frames(sorted({0, video.num_frames - 1}))
    if decode == "all":
        for _ in pictures(source):
            pass


def _sha256(source: str) -> str:
    """The hash of a file, or of the frames of a folder one after another."""
    digest = hashlib.sha256()
    for file in [os.path.join(source, name) for name in frame_files(source)] if os.path.isdir(source) else [source]:
        for part in _parts(file):
            digest.update(part)
    return digest.hexdigest()


def _parts(file: str) -> Iterator[bytes]:
    with open(file, "rb") as opened:
        while part := opened.read(READ_AT_ONCE):
            yield part
