"""Collections by their registered names."""

import shutil
from pathlib import Path

import pytest
from made_files import write

from iic_ptv.data.collections import class_folders
from iic_ptv.registry import DATASETS

NAMES = [f"v_{name}_g{group:02}_c01.mp4" for name in ("jump", "run", "walk") for group in (1, 2, 3)]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("class_folders", {}),
        ("flat_folder", {}),
        ("any_folder", {}),
        ("ucf101_lists", {"lists": "trainlist02.txt"}),
        ("csv", {"file": "trainlist02.txt"}),
        ("ucf101", {"split": 2}),
        ("kinetics", {"subset": "val", "missing": "skip"}),
    ],
)
def test_collections_are_registered(video_folder: Path, tmp_path: Path, name: str, options) -> None:
    root = shutil.copytree(video_folder, tmp_path / "videos")
    write(root / "trainlist02.txt", *(f"{name.split('_')[1]}/{name}" for name in NAMES))
    write(root / "classInd.txt", "1 jump", "2 run", "3 walk")
    index = DATASETS.get(name)(root, **options)
    assert index.keys == class_folders(root).keys
