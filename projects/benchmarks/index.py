"""Large collections: scanning them, starting again, and drawing clips from them."""

from __future__ import annotations

import os
import pickle
import shutil
import statistics
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pytorchvideo.data.labeled_video_paths import LabeledVideoPaths

from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.clips import ClipDataset
from iic_ptv.data.collections import any_folder
from iic_ptv.data.index import Video, VideoIndex
from iic_ptv.data.randomness import ClipRequest
from iic_ptv.data.samplers import EpochBatches
from projects.benchmarks.files import make_old
from projects.benchmarks.tables import Table
from projects.benchmarks.timing import in_new_process, median_ms, resident_mb, round_robin, timed
from projects.benchmarks.videos import Encoding, write_video

NUM_CLASSES = 400
GROWTH = (1, 10, 100)
DISTINCT_VIDEOS = 6
BATCH_SIZE = 16
SHORT_GOP = Encoding("H.264, GOP 8", "libx264", ".mp4", 8, {"crf": "23"})


def measure(
    folder: Path, num_videos: int = 250_000, rounds: int = 3, smallest: int = 600, num_clips: int = 200
) -> dict[str, Any]:
    """Times and memory of an index, and times of clips as collections grow.

    Args:
        folder: where to write files.
        num_videos: entries of the large collection, which are empty files.
        rounds: how often it is read in every way, each time by a new process.
        smallest: videos of the smallest of the growing collections.
        num_clips: clips that are drawn from each of these.
    """
    root = _make_tree(folder / "collection", num_videos)
    return {
        "videos": num_videos,
        "rounds": rounds,
        "readings": _measure_readings(root, folder / "cache", rounds),
        "growth": _measure_growth(folder / "videos", smallest, num_clips),
    }


def _make_tree(root: Path, num_videos: int) -> Path:
    """Empty files in 400 class folders, with names as long as those of Kinetics."""
    for label in range(NUM_CLASSES):
        of_class = root / f"playing instrument {label:03}"
        of_class.mkdir(parents=True)
        for number in range(label, num_videos, NUM_CLASSES):
            os.close(os.open(of_class / f"-{number:010}_000012_000022.mp4", os.O_CREAT | os.O_WRONLY))
    make_old(root)
    return root


def _measure_readings(root: Path, cache: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Medians over new processes of the time and the memory that each way to read the collection takes."""
    outcomes: dict[str, list[dict[str, float]]] = {"floor": [], "pytorchvideo": [], "first": [], "again": []}
    for _ in range(rounds):
        shutil.rmtree(cache, ignore_errors=True)
        outcomes["floor"].append(in_new_process(_read, _bare_scan, str(root), cache))
        outcomes["pytorchvideo"].append(in_new_process(_read, LabeledVideoPaths.from_path, str(root), cache))
        outcomes["first"].append(in_new_process(_read, any_folder, str(root), cache))
        outcomes["again"].append(in_new_process(_read, any_folder, str(root), cache))
    return {
        name: {key: round(statistics.median(each[key] for each in readings), 3) for key in readings[0]}
        for name, readings in outcomes.items()
    }


def _read(read: Callable[[str], Any], root: str, cache: Path) -> dict[str, float]:
    """Read a collection, first for the time, then for the memory, which takes longer to find out."""
    os.environ["IIC_CACHE"] = str(cache)
    before = resident_mb()
    began = time.perf_counter()
    index = read(root)
    seconds = time.perf_counter() - began
    process_mb = resident_mb() - before
    del index
    tracemalloc.start()
    index = read(root)
    index_mb = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    pickled_mb = len(pickle.dumps(index)) / 1e6
    return {"seconds": seconds, "process_mb": process_mb, "index_mb": index_mb, "pickled_mb": pickled_mb}


def _bare_scan(root: str) -> list[str]:
    """The paths of all files in the folders of a folder."""
    return [entry.path for folder in os.scandir(root) for entry in os.scandir(folder)]


def _measure_growth(folder: Path, smallest: int, num_clips: int) -> list[dict[str, float]]:
    """Times of clips of collections of few videos that are repeated ever more often."""
    paths = [write_video(folder / f"{seed}.mp4", seed, 48, SHORT_GOP, (128, 170)) for seed in range(DISTINCT_VIDEOS)]
    sizes = [smallest * growth for growth in GROWTH]
    batches = {size: EpochBatches(size, BATCH_SIZE) for size in sizes}
    datasets = {size: ClipDataset(_repeated(paths, size), ClipReader()) for size in sizes}
    requests = {size: [request for batch in batches[size] for request in batch][:num_clips] for size in sizes}

    def first_batch(size: int, epoch: int) -> list[ClipRequest]:
        batches[size].set_epoch(epoch)
        return next(iter(batches[size]))

    def clip(size: int, number: int) -> torch.Tensor:
        return datasets[size][requests[size][number]]["video"]

    clip_ms = median_ms(round_robin({size: timed(partial(clip, size)) for size in sizes}, range(num_clips)))
    epoch_ms = median_ms(round_robin({size: timed(partial(first_batch, size)) for size in sizes}, range(5)))
    return [{"videos": size, "clip_ms": clip_ms[size], "epoch_ms": epoch_ms[size]} for size in sizes]


def _repeated(paths: list[Path], size: int) -> VideoIndex:
    return VideoIndex(Video(str(paths[row % len(paths)]), "video.mp4", key=f"class/{row}") for row in range(size))


def tables(results: dict[str, Any]) -> list[Table]:
    """Reading a large collection, and drawing from growing ones."""
    return [_table_of_readings(results), _table_of_growth(results["growth"])]


def _table_of_readings(results: dict[str, Any]) -> Table:
    labels = {
        "floor": "floor: names of the files, os.scandir",
        "pytorchvideo": "PyTorchVideo, LabeledVideoPaths",
        "first": "ours, first scan",
        "again": "ours, later starts",
    }
    rows = [
        [label, f"{each['seconds']:.2f}", *(f"{each[key]:.0f}" for key in ("index_mb", "process_mb", "pickled_mb"))]
        for label, each in ((label, results["readings"][name]) for name, label in labels.items())
    ]
    title = f"An index of {results['videos']:,} videos, medians of {results['rounds']} new processes each"
    return Table(title, ["read by", "s", "index, MB", "growth of the process, MB", "pickled, MB"], rows)


def _table_of_growth(growth: list[dict[str, float]]) -> Table:
    rows = [
        [
            f"{each['videos']:,}",
            f"{each['clip_ms']:.2f}",
            f"{1000 / each['clip_ms']:.0f}",
            f"{growth[0]['clip_ms'] / each['clip_ms']:.2f}",
            f"{each['epoch_ms']:.1f}",
        ]
        for each in growth
    ]
    columns = ["videos", "a clip, ms", "clips/s", "times the smallest", "the order of an epoch, ms"]
    return Table("Clips of small videos as their collection grows, one process", columns, rows)
