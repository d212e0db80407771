"""Training on a collection of which some videos are broken, and whether this changes anything for the others."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from iic_ptv.cli.main import main as iic
from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.clips import ClipDataset
from iic_ptv.data.collections import any_folder
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.loaders import train_loader
from iic_ptv.data.procedural import write_videos
from iic_ptv.data.samplers import EpochBatches
from projects.benchmarks.broken import write_broken
from projects.benchmarks.files import make_old
from projects.benchmarks.tables import Table

NUM_FRAMES = 24
SIDE = 32  # pixels
CLIP_LENGTH = 8
BATCH_SIZE = 16
NUM_WORKERS = 2
TIME_LIMIT = 1.0  # seconds
OPTIONS = {
    "DATA.CLIP_LENGTH": CLIP_LENGTH,
    "DATA.FRAME_SIZE": [SIDE, SIDE],
    "DATA.CROP": 28,
    "DATA.NUM_WORKERS": NUM_WORKERS,
    "DATA.TIME_LIMIT": TIME_LIMIT,
    "MODEL.OPTIONS.width": 0.0625,
    "LOSS.NUM_NEGATIVES": 32,
    "OPTIM.BATCH_SIZE": BATCH_SIZE,
    "TRAINER.ACCELERATOR": "cpu",
}


def measure(folder: Path, videos_per_class: int = 13, num_epochs: int = 3) -> dict[str, Any]:
    """Train with and without broken videos, and compare the clips of the good ones, bit for bit.

    Args:
        folder: where to write.
        videos_per_class: good videos of each of 16 classes.
        num_epochs: epochs to train for, and to compare.
    """
    rendered = write_videos(
        folder / "rendered",
        train_per_class=videos_per_class, test_per_class=0, num_frames=NUM_FRAMES, size=SIDE, progress=False,
    )  # fmt: skip
    whole, faulty = rendered / "videos", folder / "faulty"
    shutil.copytree(whole, faulty)
    broken = _break(faulty, folder / "elsewhere")
    named, run = _pretrain(faulty, folder / "runs", num_epochs)
    good = any_folder(whole)
    expected = _clips(good, num_epochs)
    found = _clips(any_folder(faulty), num_epochs)
    return {
        "videos": len(good),
        "broken": {kind: named.pop(str(path), "") for kind, path in broken.items()},
        "named_besides": len(named),
        "epochs": num_epochs,
        "run": run,
        "clips_compared": len(expected),
        "clips_that_differ": sum(found.get(clip) != pixels for clip, pixels in expected.items()),
    }


def _break(collection: Path, elsewhere: Path) -> dict[str, Path]:
    """Add broken videos to the first class of a collection: paths by what is wrong with them.

    One vanishes once the collection has been scanned.
    """
    of_class = min(collection.iterdir())
    good = min(of_class.iterdir())
    broken = write_broken(of_class, good)
    elsewhere.mkdir()
    vanishing = Path(shutil.copy(good, elsewhere))
    broken["vanished"] = of_class / "broken_vanished.mp4"
    broken["vanished"].symlink_to(vanishing)
    make_old(collection)
    any_folder(collection)  # finds the video, and is remembered
    vanishing.unlink()
    return broken


def _pretrain(collection: Path, output: Path, num_epochs: int) -> tuple[dict[str, str], dict[str, Any]]:
    """Run ``iic pretrain``: reasons by path of the videos that it could not read, and what it says of itself."""
    options = {**OPTIONS, "OUTPUT": output, "OPTIM.EPOCHS": num_epochs}
    iic(["pretrain", "--data", str(collection), *(str(part) for pair in options.items() for part in pair)])
    (metrics,) = output.glob("pretrain/*/metrics.json")
    run = json.loads(metrics.read_text())
    bad_videos = BadVideoLog(metrics.with_name("bad_videos.csv")).read()
    return bad_videos, {key: run[key] for key in ("epochs", "steps", "videos", "bad_videos")}


def _clips(index: VideoIndex, num_epochs: int) -> dict[str, set[str]]:
    """Hashes of all clips that training sees, by epoch and video."""
    reader = ClipReader(CLIP_LENGTH, size=(SIDE, SIDE), time_limit=TIME_LIMIT)
    batches = EpochBatches(len(index), BATCH_SIZE)
    loader = train_loader(ClipDataset(index, reader), batches, NUM_WORKERS)
    hashes = defaultdict(set)
    for epoch in range(num_epochs):
        batches.set_epoch(epoch)
        for batch in loader:
            for clip, row, seed in zip(batch["video"], batch["video_index"], batch["augmentation_seed"], strict=True):
                pixels = hashlib.blake2b(clip.numpy().tobytes()).hexdigest()
                hashes[f"{epoch} {index[int(row)].key}"].add(f"{pixels} {seed}")
    return hashes


def tables(results: dict[str, Any]) -> list[Table]:
    """What became of every broken video, and of the clips of the others."""
    run = results["run"]
    share = len(results["broken"]) / run["videos"]
    title = (
        f"A run over {run['videos']} videos of which {share:.1%} are broken: {run['epochs']} of {results['epochs']} "
        f"epochs done, {run['bad_videos']} videos in bad_videos.csv. Of {results['clips_compared']} clips of the "
        f"{results['videos']} good videos, {results['clips_that_differ']} differ from those of the collection without "
        "the broken ones"
    )
    rows = [[kind, reason or "not named"] for kind, reason in results["broken"].items()]
    return [Table(title, ["what is wrong", "what bad_videos.csv says"], rows)]
