import pytest
import torch
from parsed_page import Page, html_of

from iic_ptv.errors import InputError
from iic_ptv.evaluation.sections import FeatureMap

NAMES = [f"video{number}" for number in range(4)]
POINTS = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 1.0], [3.0, 1.0]])
LABELS = torch.tensor([2, 0, 2, -1])
CLASSES = ["bounce", "orbit", "spin"]


def test_points_keep_their_distances_and_y_points_up():
    (first, _, second) = FeatureMap(POINTS, LABELS, CLASSES, NAMES).classes
    assert (first.name, second.name) == ("no class", "spin")
    (x0, y0), (x2, y2) = second.points
    assert x0 == pytest.approx(x2)
    assert y2 < y0
    (x3, y3) = first.points[0]
    assert y3 == pytest.approx(y2)
    in_pixels_of_a_plane_100_high = (x3 - x2) * FeatureMap.aspect
    assert in_pixels_of_a_plane_100_high == pytest.approx(3 * (y0 - y2))
    assert all(0 <= value <= 100 for value in (x0, y0, x3, y3))


def test_every_class_that_occurs_is_in_the_legend_with_its_own_hue(tmp_path):
    plane = FeatureMap(POINTS, LABELS, CLASSES, NAMES)
    assert len({each.hue for each in plane.classes}) == 3
    texts = Page(html_of(tmp_path, plane)).texts
    assert [text for text in texts if text in ("no class", *CLASSES)] == ["no class", "bounce", "spin"]


def test_points_with_a_clip_can_be_pointed_at_and_focussed(tmp_path):
    plane = FeatureMap(POINTS, LABELS, CLASSES, NAMES, {2: torch.rand(3, 4, 8, 8)})
    page = Page(html_of(tmp_path, plane))
    (dot,) = page.of_class("dot")
    assert dot["tabindex"] == "0"
    assert "video2" in page.texts
    assert "video1" not in page.texts


def test_a_single_place_has_a_place():
    plane = FeatureMap(torch.ones(2, 2), torch.tensor([0, 0]), ["spin"], ["a", "b"])
    assert plane.classes[0].points == [(50, 50), (50, 50)]


@pytest.mark.parametrize(
    ("points", "labels", "message"),
    [
        (torch.zeros(4, 3), LABELS, r"\(4, 2\)"),
        (POINTS, LABELS[:3], r"\(4,\)"),
        (POINTS.log(), LABELS, "infinite"),
    ],
)
def test_what_is_no_map_is_refused(points, labels, message):
    with pytest.raises(InputError, match=message):
        FeatureMap(points, labels, CLASSES, NAMES)
