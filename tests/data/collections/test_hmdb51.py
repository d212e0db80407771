"""HMDB51 by its official lists."""

from pathlib import Path

import pytest
from made_files import rows, touch, write

from iic_ptv.data.collections import flat_folder, hmdb51
from iic_ptv.errors import InputError

LISTS = {
    "brush_hair": ["April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1 ", "#1_Brush_[Hair]_(a&b);_u_nm_np1_ba_goo_0.avi 2 "],
    "shake_hands": ["Two'_friends!_shake_hands_f_cm_np2_ri_med_1.avi 1 ", "again_shake_hands_f_cm_np2_ri_med_1.avi 0 "],
}


def write_lists(folder: Path, split: int = 1) -> None:
    for name, lines in LISTS.items():
        write(folder / f"{name}_test_split{split}.txt", *lines)


def names(pattern: str) -> list[str]:
    return [pattern.format(name=name, stem=line.rsplit(".", 1)[0]) for name, lines in LISTS.items() for line in lines]


@pytest.mark.parametrize(
    "pattern", ["{name}/{stem}.avi", "{name}/{stem}.mp4", "{name}/{stem}/frame000001.jpg", "{stem}.avi"]
)
def test_subsets(tmp_path: Path, pattern: str) -> None:
    write_lists(tmp_path / "lists")
    touch(tmp_path / "videos", *names(pattern))
    found = {
        subset: hmdb51(tmp_path / "videos", annotations=tmp_path / "lists", subset=subset)
        for subset in ("train", "test", "unused")
    }
    stems = {subset: [(Path(key).name, label) for key, label in rows(index)] for subset, index in found.items()}
    assert stems == {
        "train": [
            ("April_09_brush_hair_u_nm_np1_ba_goo_0", 0),
            ("Two'_friends!_shake_hands_f_cm_np2_ri_med_1", 1),
        ],
        "test": [("#1_Brush_[Hair]_(a&b);_u_nm_np1_ba_goo_0", 0)],
        "unused": [("again_shake_hands_f_cm_np2_ri_med_1", 1)],
    }
    assert {index.class_names for index in found.values()} == {("brush_hair", "shake_hands")}


@pytest.mark.parametrize("place", ["", "..", "testTrainMulti_7030_splits", "../testTrainMulti_7030_splits", "splits"])
def test_lists_are_found_in_the_usual_places(tmp_path: Path, place: str) -> None:
    root = touch(tmp_path / "hmdb51_org", *names("{name}/{stem}.avi"))
    write_lists(root / place, split=3)
    assert len(hmdb51(root, split=3)) == 2
    assert hmdb51(tmp_path, split=3).paths == hmdb51(root, split=3).paths
    assert set(hmdb51(tmp_path, split=3).keys) <= set(flat_folder(tmp_path).keys)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    root = touch(tmp_path / "videos", *names("{name}/{stem}.avi"))
    with pytest.raises(InputError, match=r"no CLASS_test_split1\.txt in .*DATA.ANNOTATIONS FOLDER"):
        hmdb51(root)
    write(root / "brush_hair_test_split1.txt", *LISTS["brush_hair"], "video.avi 3")
    with pytest.raises(InputError, match=r"split1\.txt:3: expected 'video.avi' and 0, 1 or 2, found 'video.avi 3'"):
        hmdb51(root)
    write(root / "brush_hair_test_split1.txt", *LISTS["brush_hair"], "gone.avi 1")
    with pytest.raises(InputError, match=r"1 of the 2 listed videos .*brush_hair/gone\.avi"):
        hmdb51(root)
    assert len(hmdb51(root, missing="skip")) == 1
    with pytest.raises(InputError, match="split: expected 1 or 2 or 3"):
        hmdb51(root, split=0)
    with pytest.raises(InputError, match="subset: expected train or test or unused"):
        hmdb51(root, subset="val")
