"""Random clips of single videos, each opened anew, in one process on one core as a worker process has it."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from iic_ptv.data.collections import flat_folder
from iic_ptv.data.decoding import open_video
from iic_ptv.data.preparation.prepare import prepare_collection
from iic_ptv.data.preparation.transcode import Encoding as Transcoding
from projects.benchmarks.alternatives import CLIP_LENGTH, DECODERS, INPUT_SIZE, pytorchvideo_clip, reference_clip
from projects.benchmarks.files import disk_use
from projects.benchmarks.floor import decode_all, decode_needed, read_packets
from projects.benchmarks.tables import Table
from projects.benchmarks.timing import Alternative, median_ms, on_one_core, round_robin, timed, timed_after
from projects.benchmarks.videos import (
    ENCODINGS,
    FRAME_RATE,
    SIZE,
    Encoding,
    FrameSize,
    write_frame_folder,
    write_video,
)

SEED = 0
WARM_UP = 2  # clips, which are not counted
TRANSCODING = Transcoding()  # the defaults
COMPARED = 10  # clips whose pixels are compared


def measure(folder: Path, num_clips: int = 100, num_frames: int = 300) -> dict[str, Any]:
    """Times of all alternatives for every encoding, and for what can be made of the first one ahead.

    Args:
        folder: where to write videos.
        num_clips: clips of each video.
        num_frames: length of the videos.
    """
    draws = random.Random(SEED)
    starts = [draws.randrange(num_frames - CLIP_LENGTH + 1) for _ in range(WARM_UP + num_clips)]
    paths = [folder / str(number) / f"video{encoding.extension}" for number, encoding in enumerate(ENCODINGS)]
    for path, encoding in zip(paths, ENCODINGS, strict=True):
        write_video(path, SEED, num_frames, encoding)
    videos = [_measure_video(path, encoding, starts) for path, encoding in zip(paths, ENCODINGS, strict=True)]
    for video, path in zip(videos, paths, strict=True):
        video["kbit_per_s"] = round(8e-3 * disk_use(path) * FRAME_RATE / num_frames)
    return {"clips": num_clips, "videos": videos, "ahead": _measure_ahead(folder, paths[0], starts)}


def our_clip(path: Path, start: int, size: FrameSize | None = None) -> Tensor:
    """The 16 frames from ``start`` on as bytes, ``(3, 16, H, W)``, scaled by the decoder."""
    with open_video(str(path)) as video:
        return video.frames(range(start, start + CLIP_LENGTH), size)


def _measure_video(path: Path, encoding: Encoding, starts: list[int]) -> dict[str, Any]:
    alternatives = _floors(path, encoding.gop)
    for size in (SIZE, INPUT_SIZE):
        alternatives[f"ours {_text(size)}"] = timed(partial(our_clip, path, size=None if size == SIZE else size))
        alternatives |= _pytorchvideo(path, size)
    return {
        "encoding": encoding.name,
        "grey_levels_apart": {decoder: _difference(path, starts[:COMPARED], decoder) for decoder in DECODERS},
        "ms": _medians(alternatives, starts),
    }


def _measure_ahead(folder: Path, original: Path, starts: list[int]) -> dict[str, Any]:
    """What a prepared video and a folder of frames cost and gain."""
    prepare_collection(flat_folder(original.parent), original.parent, folder / "prepared", TRANSCODING)
    prepared = folder / "prepared" / "video.mp4"
    frames = write_frame_folder(folder / "frames", original)
    height, width = TRANSCODING.size(*SIZE)
    alternatives = {
        "prepared": timed(partial(our_clip, prepared)),
        "frames ours": timed(partial(our_clip, frames, size=INPUT_SIZE)),
        "frames reference": timed(partial(reference_clip, frames)),
        **_pytorchvideo(original, (height, width)),
        **_floors(prepared, TRANSCODING.gop),
    }
    return {
        "size": [height, width],
        "bytes": {"original": disk_use(original), "prepared": disk_use(prepared), "frames": disk_use(frames)},
        "ms": _medians(alternatives, starts),
    }


def _floors(path: Path, gop: int) -> dict[str, Alternative[int]]:
    read = partial(read_packets, path, gop, length=CLIP_LENGTH)
    return {"floor": timed_after(read, decode_all), "lowest floor": timed_after(read, decode_needed)}


def _pytorchvideo(path: Path, size: FrameSize) -> dict[str, Alternative[int]]:
    scaled_to = None if size == SIZE else size
    return {
        f"{decoder} {_text(size)}": timed(partial(pytorchvideo_clip, path, decoder=decoder, size=scaled_to))
        for decoder in DECODERS
    }


def _medians(alternatives: dict[str, Alternative[int]], starts: list[int]) -> dict[str, float]:
    with on_one_core():
        seconds = round_robin(alternatives, starts)
    return median_ms({name: times[WARM_UP:] for name, times in seconds.items()})


def _difference(path: Path, starts: list[int], decoder: str) -> float:
    """Grey levels between PyTorchVideo's clips and ours, the mean over the clip where it is greatest."""
    pairs = ((our_clip(path, start), pytorchvideo_clip(path, start, decoder)) for start in starts)
    return round(max(float((ours - theirs).abs().mean()) for ours, theirs in pairs), 2)


def tables(results: dict[str, Any]) -> list[Table]:
    """What was measured, in milliseconds per clip."""
    return [_table_of_videos(results), _table_of_prepared(results)]


def _table_of_videos(results: dict[str, Any]) -> Table:
    rows = []
    for video in results["videos"]:
        for size in (_text(SIZE), _text(INPUT_SIZE)):
            ms = video["ms"]
            ours, theirs = ms[f"ours {size}"], [ms[f"{name} {size}"] for name in DECODERS]
            floors = ms["floor"], ms["lowest floor"]
            cells = [
                *(f"{time:.1f}" for time in (*theirs, ours)),
                f"{1000 / ours:.0f}",
                f"{min(theirs) / ours:.2f}",
                *(f"{floor:.1f} ({floor / ours:.2f})" for floor in floors),
            ]
            rows.append([f"{video['encoding']}, {video['kbit_per_s']} kb/s", size, *cells])
    columns = [
        "video", "frames", *(f"PyTorchVideo, {name}, ms" for name in DECODERS), "ours, ms", "ours, clips/s",
        "times PyTorchVideo's better", "floor, ms (share of ours)", "lowest floor, ms (share of ours)",
    ]  # fmt: skip
    apart = max(max(video["grey_levels_apart"].values()) for video in results["videos"])
    title = (
        f"Random clips of {CLIP_LENGTH} frames out of one video, medians of {results['clips']}; unscaled, pixels of "
        f"ours and PyTorchVideo's differ by {apart:.2f} grey levels"
    )
    return Table(title, columns, rows)


def _table_of_prepared(results: dict[str, Any]) -> Table:
    ahead = results["ahead"]
    ms, size = ahead["ms"], _text(ahead["size"])
    theirs, decoder = min((ms[f"{name} {size}"], name) for name in DECODERS)
    alternatives = [
        (f"original, PyTorchVideo, {decoder}", size, theirs, "original"),
        ("prepared, ours", size, ms["prepared"], "prepared"),
        ("prepared, floor", "", ms["floor"], "prepared"),
        ("JPEG folder, ours", _text(INPUT_SIZE), ms["frames ours"], "frames"),
        ("JPEG folder, as the reference reads it", _text(INPUT_SIZE), ms["frames reference"], "frames"),
    ]
    rows = [
        [name, frames, f"{time:.1f}", f"{1000 / time:.0f}", f"{theirs / time:.1f}", f"{ahead['bytes'][kind] / 1e3:.0f}"]
        for name, frames, time, kind in alternatives
    ]
    columns = ["read from", "frames", "ms", "clips/s", "times PyTorchVideo", "on disk, kB"]
    return Table(f"The same out of {ENCODINGS[0].name} and of what was made of it", columns, rows)


def _text(size: list[int] | FrameSize) -> str:
    height, width = size
    return f"{height} x {width}"
