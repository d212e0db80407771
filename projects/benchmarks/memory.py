"""Memory and open files of a process that reads many clips, of good videos and bad ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.decoding import VideoError
from iic_ptv.data.index import Video
from projects.benchmarks.broken import write_broken
from projects.benchmarks.tables import Table
from projects.benchmarks.timing import in_new_process, resident_mb
from projects.benchmarks.videos import Encoding, write_frame_folder, write_video

FRAMES = 40
SIZE = (96, 128)
FORMATS = (
    Encoding("H.264", "libx264", ".mp4", 250),
    Encoding("H.264, short GOP", "libx264", ".mkv", 8),
    Encoding("MPEG-4", "mpeg4", ".avi", 12),
    Encoding("HEVC", "libx265", ".mp4", 24, {"x265-params": "log-level=error"}),
)
DECODERS = ("auto", "pyav", "decord")
TIME_LIMIT = 0.05  # seconds, for the one that hangs
SAMPLES = 10


def measure(folder: Path, num_decodes: int = 10_000) -> dict[str, Any]:
    """Memory and open files after every tenth of so many clips, in a process of its own."""
    good = [
        write_video(folder / f"{number}{encoding.extension}", number, FRAMES, encoding, SIZE)
        for number, encoding in enumerate(FORMATS)
    ]
    broken = write_broken(folder / "broken", good[0])
    paths = [*good, write_frame_folder(folder / "frames", good[0]), *broken.values(), folder / "vanished.mp4"]
    return in_new_process(_read_many, [str(path) for path in paths], num_decodes)


def _read_many(paths: list[str], num_decodes: int) -> dict[str, Any]:
    readers = [ClipReader(decoder=decoder, size=(64, 86), time_limit=TIME_LIMIT) for decoder in DECODERS]
    bad = 0
    samples = [_sample(0)]
    for number in range(num_decodes):
        round_number, place = divmod(number, len(paths))
        start = number % (FRAMES - readers[0].clip_length)
        try:
            readers[round_number % len(readers)].read(Video(paths[place], ""), lambda *_: [start])  # noqa: B023
        except VideoError:
            bad += 1
        if (number + 1) % (num_decodes // SAMPLES) == 0:
            samples.append(_sample(number + 1))
    return {"videos": len(paths), "clips": num_decodes, "unreadable": bad, "samples": samples}


def _sample(clips: int) -> dict[str, float]:
    return {"clips": clips, "mb": round(resident_mb(), 1), "open_files": len(os.listdir("/proc/self/fd"))}


def tables(results: dict[str, Any]) -> list[Table]:
    """Memory and open files as clips go by."""
    title = (
        f"A process that reads {results['clips']:,} clips of {results['videos']} small videos in turn, with the "
        f"decoders {', '.join(DECODERS)}; {results['unreadable']:,} could not be read"
    )
    rows = [[f"{each['clips']:,}", f"{each['mb']:.0f}", f"{each['open_files']}"] for each in results["samples"]]
    return [Table(title, ["clips", "memory, MB", "open files"], rows)]
