"""Strings end to end."""

import pytest

from iic_ptv.data.packed_strings import PackedStrings

STRINGS = ["a.mp4", "", "ä/日本.avi", b"\xff\x00".decode(errors="surrogateescape"), "a.mp4"]


def test_a_sequence_like_a_list() -> None:
    packed = PackedStrings(STRINGS)
    assert list(packed) == STRINGS
    assert len(packed) == 5
    assert [packed[row] for row in range(-5, 5)] == STRINGS * 2
    assert packed[1:4] == STRINGS[1:4]
    assert packed[::-2] == STRINGS[::-2]
    for row in (5, -6):
        with pytest.raises(IndexError):
            packed[row]


def test_appending() -> None:
    packed = PackedStrings()
    assert list(packed) == []
    for string in STRINGS:
        packed.append(string)
    assert packed == PackedStrings(STRINGS)


def test_equality() -> None:
    assert PackedStrings(["ab", "c"]) == PackedStrings(iter(["ab", "c"]))
    assert PackedStrings(["ab", "c"]) != PackedStrings(["a", "bc"])
    assert PackedStrings(["a"]) != ["a"]
