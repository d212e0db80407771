"""A tiny collection that lies on the disk like UCF101, and one like HMDB51: rendered videos with all official lists."""

from pathlib import Path

from iic_ptv.data.procedural import write_videos

SPLITS = (1, 2, 3)
# What makes a configuration of the paper small enough for a test.
TINY = {
    "DATA.CLIP_LENGTH": 4,
    "DATA.FRAME_SIZE": [32, 32],
    "DATA.CROP": 24,
    "DATA.NUM_WORKERS": 0,
    "LOSS.NUM_NEGATIVES": 4,
    "OPTIM.BATCH_SIZE": 2,
    "TRAINER.ACCELERATOR": "cpu",
    "EVAL.NUM_CLIPS": 1,
}


def like_ucf101(folder: Path) -> Path:
    """Write videos with ``trainlist01.txt`` to ``testlist03.txt``, the same in each split; returns their folder."""
    lists = _render(folder)
    for split in SPLITS[1:]:
        for subset in ("train", "test"):
            text = (lists / f"{subset}list01.txt").read_text()
            (lists / f"{subset}list{split:02}.txt").write_text(text)
    return folder / "videos"


def like_hmdb51(folder: Path) -> Path:
    """Write videos with ``CLASS_test_split1.txt`` to 3, the same in each split; returns their folder."""
    lists = _render(folder)
    marks: dict[str, list[str]] = {}
    for subset, mark in (("train", 1), ("test", 2)):
        for line in (lists / f"{subset}list01.txt").read_text().splitlines():
            name, video = line.split()[0].split("/")
            marks.setdefault(name, []).append(f"{video} {mark}")
    for name, lines in marks.items():
        for split in SPLITS:
            (lists / f"{name}_test_split{split}.txt").write_text("\n".join(lines) + "\n")
    return folder / "videos"


def overrides(**more: object) -> list[str]:
    """The options of :data:`TINY`, and others by names with two underscores for a dot, as on a command line."""
    options = {**TINY, **{name.replace("__", "."): value for name, value in more.items()}}
    return [word for name, value in options.items() for word in (name, str(value))]


def _render(folder: Path) -> Path:
    motions = ("translate_left", "bounce")
    write_videos(folder, motions=motions, train_per_class=5, test_per_class=1, num_frames=8, size=32, progress=False)
    return folder / "splits"
