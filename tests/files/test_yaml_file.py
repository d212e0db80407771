"""YAML files of keys with values."""

import pytest

from iic_ptv.errors import InputError
from iic_ptv.files.yaml_file import read_mapping


def test_times_and_dates_are_read_as_they_stand(tmp_path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("time: 4:00:00\nlonger: 2-12:00\nday: 2024-01-31\nnested: [{time: 1:30}]\n")
    assert read_mapping(path) == {
        "time": "4:00:00",
        "longer": "2-12:00",
        "day": "2024-01-31",
        "nested": [{"time": "1:30"}],
    }


def test_all_else_is_read_as_yaml_says(tmp_path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 12\nb: -0x10\nc: 1_000\nd: 0.5\ne: yes\nf: null\ng: {h: [x, 1]}\n")
    expected = {"a": 12, "b": -16, "c": 1000, "d": 0.5, "e": True, "f": None, "g": {"h": ["x", 1]}}
    assert read_mapping(path) == expected
    path.write_text("")
    assert read_mapping(path) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- 1\n", "a.yaml: not a YAML file of KEY: VALUE lines"),
        (b"a: [1\n", "a.yaml: not a YAML file of KEY: VALUE lines (while parsing"),
        (b"a: \xff\n", "a.yaml: not a YAML file of KEY: VALUE lines ("),
        (b"!!python/object/apply:os.getcwd []\n", "a.yaml: not a YAML file"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        read_mapping(path)
    assert message in str(raised.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match=r"no.yaml: cannot be read \(No such file"):
        read_mapping(tmp_path / "no.yaml")
