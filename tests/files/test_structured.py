"""Dataclasses as JSON: what goes in comes out, and what is wrong is named."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from iic_ptv.files.structured import StructureError, from_json, to_json


@dataclass(frozen=True)
class Point:
    x: float
    label: str = ""


@dataclass(frozen=True)
class Drawing:
    size: tuple[int, int]
    points: tuple[Point, ...]
    options: dict[str, Any]
    seed: int | None = None
    closed: bool = False
    origin: Point | None = None


DRAWING = Drawing((2, 3), (Point(0.5, "a"), Point(-1.0)), {"deep": {"list": [1]}}, 7, True, Point(0.0))


@pytest.mark.parametrize("drawing", [DRAWING, Drawing((0, 0), (), {})])
def test_what_goes_in_comes_out(drawing: Drawing) -> None:
    assert from_json(Drawing, json.loads(json.dumps(to_json(drawing)))) == drawing


def test_integers_will_do_for_numbers() -> None:
    point = from_json(Point, {"x": 2})
    assert point == Point(2.0)
    assert isinstance(point.x, float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": [1]}, r"size: expected 2 entries, got \[1\]"),
        ({"size": [1, 2.5]}, r"size\[1\]: expected int, got 2\.5"),
        ({"size": 4}, "size: expected a list, got 4"),
        ({"points": [{"x": 1.0}, {"label": "b"}]}, r"points\[1\]\.x: missing"),
        ({"points": [{"x": True}]}, r"points\[0\]\.x: expected float, got True"),
        ({"points": [{"x": 1.0, "y": 2.0}]}, r"points\[0\]\.y: there is no such field; there are x, label"),
        ({"points": ["a"]}, r"points\[0\]: expected an object, got 'a'"),
        ({"options": []}, r"options: expected dict, got \[\]"),
        ({"seed": "7"}, "seed: expected int, got '7'"),
        ({"origin": {"x": None}}, r"origin\.x: expected float, got None"),
        ({"colour": 1}, "colour: there is no such field"),
    ],
)
def test_what_is_wrong_is_named(change: dict, message: str) -> None:
    with pytest.raises(StructureError, match=message):
        from_json(Drawing, {**to_json(DRAWING), **change})


@pytest.mark.parametrize("content", [None, [], "text", 3])
def test_what_is_no_object_is_said_to_be_none(content: Any) -> None:
    with pytest.raises(StructureError, match="Drawing: expected an object"):
        from_json(Drawing, content)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(StructureError, match="size: missing"):
        from_json(Drawing, {"points": [], "options": {}})
