"""Whole loaders: from files to batches of floats as a network takes them, with two worker processes."""

from __future__ import annotations

import os
import random
import statistics
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.clips import ClipDataset
from iic_ptv.data.collections import flat_folder
from iic_ptv.data.index import Video, VideoIndex
from iic_ptv.data.loaders import train_loader
from iic_ptv.data.preparation.prepare import prepare_collection
from iic_ptv.data.samplers import EpochBatches
from iic_ptv.transforms import train_transform
from projects.benchmarks.alternatives import (
    CLIP_LENGTH,
    CROP,
    DECODERS,
    INPUT_SIZE,
    ReferenceDataset,
    pytorchvideo_dataset,
)
from projects.benchmarks.files import disk_use
from projects.benchmarks.floor import decode_needed, read_packets
from projects.benchmarks.tables import Table
from projects.benchmarks.timing import cpu_seconds, round_robin, timed
from projects.benchmarks.videos import ENCODINGS, write_frame_folder, write_video

BATCH_SIZE = 16
NUM_WORKERS = 2
WARM_UP = 1  # passes: worker processes start and stay

Pass = Callable[[int], Iterable[Tensor]]
"""The batches of a pass over the collection, ``(B, 3, 16, 112, 112)``, given its number."""


def measure(
    folder: Path, num_videos: int = 60, num_frames: int = 150, repeats: int = 4, num_passes: int = 5
) -> dict[str, Any]:
    """Clips per second of all loaders, which take turns.

    Args:
        folder: where to write videos.
        num_videos: videos of the collection.
        num_frames: length of the videos.
        repeats: how often every video is in the collection, so that a pass takes long enough.
        num_passes: passes over the collection.
    """
    original, prepared, frames = folder / "original", folder / "prepared", folder / "frames"
    _write_collection(original, frames, num_videos, num_frames)
    prepare_collection(flat_folder(original), original, prepared)
    paths = sorted(original.iterdir()) * repeats
    size = len(paths), 3, CLIP_LENGTH, CROP, CROP
    passes: dict[str, Pass] = {
        "ours": _our_passes(flat_folder(original), repeats),
        "ours prepared": _our_passes(flat_folder(prepared), repeats),
        **{decoder: _pytorchvideo_passes(paths, decoder) for decoder in DECODERS},
        "frames": _loader_passes(ReferenceDataset(sorted(frames.iterdir()) * repeats)),
        "floor": _loader_passes(_RawDecoding(paths, num_frames)),
    }
    cpu: dict[str, list[float]] = {name: [] for name in passes}
    alternatives = {name: timed(partial(_run, each, size, cpu[name])) for name, each in passes.items()}
    seconds = round_robin(alternatives, range(WARM_UP + num_passes))
    return {
        "videos": num_videos,
        "frames_per_video": num_frames,
        "clips_per_pass": len(paths),
        "passes": num_passes,
        "clips_per_s": {
            name: round(len(paths) / statistics.median(times[WARM_UP:]), 1) for name, times in seconds.items()
        },
        "cpu_ms_per_clip": {
            name: round(1000 * statistics.median(times[WARM_UP:]) / len(paths), 1) for name, times in cpu.items()
        },
        "bytes": {"original": disk_use(original), "prepared": disk_use(prepared), "frames": disk_use(frames)},
    }


def _write_collection(original: Path, frames: Path, num_videos: int, num_frames: int) -> None:
    def write(number: int) -> None:
        video = write_video(original / f"video{number:03}.mp4", number, num_frames)
        write_frame_folder(frames / video.stem, video)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(write, range(num_videos)))


def _run(each: Pass, size: tuple[int, ...], cpu: list[float], number: int) -> None:
    """Go through a pass, make sure that it was whole, and add the processor time that it took to ``cpu``."""
    before = cpu_seconds()
    clips, *shape = 0, 0
    for batch in each(number):
        clips, shape = clips + len(batch), list(batch.shape[1:])
    cpu.append(cpu_seconds() - before)
    if (clips, *shape) != size:
        raise RuntimeError(f"A pass gave {clips} clips of shape {shape}, not {size}.")


def _our_passes(index: VideoIndex, repeats: int) -> Pass:
    """Bytes from the workers; cropped and made floats in whole batches by the process that would train."""
    repeated = VideoIndex(
        Video(video.path, video.name, key=f"{each}/{video.key}") for each in range(repeats) for video in index
    )
    dataset = ClipDataset(repeated, ClipReader(CLIP_LENGTH, size=INPUT_SIZE))
    batches = EpochBatches(len(repeated), BATCH_SIZE)
    loader = train_loader(dataset, batches, NUM_WORKERS)
    transform = train_transform(CROP, INPUT_SIZE)

    def run(number: int) -> Iterable[Tensor]:
        batches.set_epoch(number)
        return (transform(batch)["video"] for batch in loader)

    return run


def _pytorchvideo_passes(paths: list[Path], decoder: str) -> Pass:
    videos = [(str(path), {"label": 0}) for path in paths]
    batches = _loader_passes(pytorchvideo_dataset(videos, decoder))
    return lambda number: (batch["video"] for batch in batches(number))


def _loader_passes(dataset: Dataset[Any]) -> Callable[[int], Iterable[Any]]:
    shuffle = None if isinstance(dataset, torch.utils.data.IterableDataset) else True
    loader = DataLoader(dataset, BATCH_SIZE, shuffle, num_workers=NUM_WORKERS, persistent_workers=True)
    return lambda number: loader


class _RawDecoding(Dataset[Tensor]):
    """Empty clips: the frames are decoded, and that is all."""

    def __init__(self, paths: list[Path], num_frames: int) -> None:
        self.paths = paths
        self.num_frames = num_frames
        self.nothing = torch.zeros(()).expand(3, CLIP_LENGTH, CROP, CROP)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> Tensor:
        start = random.randrange(self.num_frames - CLIP_LENGTH + 1)
        decode_needed(read_packets(self.paths[row], ENCODINGS[0].gop, start, CLIP_LENGTH))
        return self.nothing


def tables(results: dict[str, Any]) -> list[Table]:
    """Clips per second, and how many times PyTorchVideo's better back-end that is."""
    rate = results["clips_per_s"]
    best = max(rate[decoder] for decoder in DECODERS)
    alternatives = [
        *((f"PyTorchVideo, {decoder}", decoder, "original") for decoder in DECODERS),
        ("JPEG folders, as the reference reads them", "frames", "frames"),
        ("ours", "ours", "original"),
        ("ours, prepared", "ours prepared", "prepared"),
        ("floor: only decoding", "floor", "original"),
    ]
    rows = [
        [
            label,
            f"{rate[name]:.0f}",
            f"{rate[name] / best:.2f}",
            f"{rate[name] / rate['frames']:.2f}",
            f"{results['cpu_ms_per_clip'][name]:.0f}",
            f"{results['bytes'][kind] / 1e6:.1f}",
        ]
        for label, name, kind in alternatives
    ]
    title = (
        f"Whole loaders, {NUM_WORKERS} workers, {results['videos']} videos of {results['frames_per_video']} frames "
        f"({ENCODINGS[0].name}), medians of {results['passes']} passes of {results['clips_per_pass']} clips"
    )
    columns = [
        "loader",
        "clips/s",
        "times PyTorchVideo's better",
        "times JPEG folders",
        "CPU, ms per clip",
        "on disk, MB",
    ]
    return [Table(title, columns, rows)]
