"""Something-Something by its official lists."""

import json
from pathlib import Path

import pytest
from made_files import rows, touch, write

from iic_ptv.data.collections import flat_folder, something_something
from iic_ptv.errors import InputError

LABELS = {"Putting number of something onto something": "1", "Holding something": "0"}
TRAIN = [
    {"id": "78687", "label": "holding potato", "template": "Holding [something]", "placeholders": ["potato"]},
    {"id": "100", "label": "...", "template": "Putting [number of] [something] onto [something]", "placeholders": []},
]
VAL = [{"id": "9", "label": "holding a cup", "template": "Holding [something]"}]
TEST = [{"id": "9"}]


def write_lists(folder: Path, prefix: str = "") -> None:
    for name, content in {"labels": LABELS, "train": TRAIN, "validation": VAL, "test": TEST}.items():
        write(folder / f"{prefix}{name}.json", json.dumps(content))


@pytest.mark.parametrize("pattern", ["{}.webm", "{}.mp4", "{}/000001.jpg"])
@pytest.mark.parametrize("prefix", ["", "something-something-v2-"])
def test_subsets(tmp_path: Path, prefix: str, pattern: str) -> None:
    write_lists(tmp_path / "labels", prefix)
    root = touch(tmp_path / "20bn-something-something-v2", *map(pattern.format, (78687, 100, 9, 7)))
    train, val, test = (something_something(root, subset=subset) for subset in ("train", "val", "test"))
    assert train.class_names == ("Holding something", "Putting number of something onto something")
    assert (rows(train), rows(val), rows(test)) == ([("100", 1), ("78687", 0)], [("9", 0)], [("9", -1)])
    assert something_something(root, subset="validation") == val
    assert something_something(tmp_path).paths == train.paths
    assert set(something_something(tmp_path).keys) <= set(flat_folder(tmp_path).keys)
    assert something_something(root, annotations=tmp_path / "labels") == train


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    root = touch(tmp_path / "videos", "9.webm")
    with pytest.raises(InputError, match=r"no something-something-v2-train\.json or train\.json in"):
        something_something(root)
    write_lists(root)
    with pytest.raises(InputError, match=r"2 of the 2 listed videos .*78687\.webm, 100\.webm"):
        something_something(root)
    with pytest.raises(InputError, match="split: expected 1"):
        something_something(root, split=2)
    with pytest.raises(InputError, match="subset: expected train or val"):
        something_something(root, subset="training")
    for text, message in {
        "[{]": r"train\.json:1: this is not JSON",
        "{}": r"train\.json': expected a list of videos",
        "[]": r"train\.json': expected a list of videos",
        '[{"id": 9}, {"template": "a"}]': r"train\.json, entry 2: expected .* found {\"template\": \"a\"}",
        '[{"id": 9, "template": "Eating [something]"}]': r"entry 1: 'Eating something' is none of the 2 classes",
    }.items():
        write(root / "train.json", text)
        with pytest.raises(InputError, match=message):
            something_something(root)
    for labels in ('{"Holding something": "1"}', '["Holding something"]', '{"Holding something": "first"}', "3"):
        write(root / "labels.json", labels)
        with pytest.raises(InputError, match=r"labels\.json': expected classes that are numbered from 0"):
            something_something(root, subset="test")
