import itertools
import math

import pytest

from iic_ptv.evaluation.charts import LABEL_SPACING, MAX_POINTS, Tick, line_chart


def test_places_points_and_ticks_in_per_cent():
    chart = line_chart({"iic": [(0, 0), (5, 1), (10, 4)]})
    assert [line.network for line in chart.lines] == ["iic"]
    assert chart.lines[0].points == [(0, 100), (50, 75), (100, 0)]
    assert chart.x_ticks == [Tick(10 * x, str(x)) for x in (0, 2, 4, 6, 8, 10)]
    assert chart.y_ticks == [Tick(25 * y, str(y)) for y in (0, 1, 2, 3, 4)]


def test_all_networks_share_one_scale():
    chart = line_chart({"cmc": [(0, 0), (10, 1)], "iic": [(0, 4), (5, 3)]})
    assert [line.points for line in chart.lines] == [[(0, 100), (100, 75)], [(0, 0), (50, 25)]]


def test_a_long_curve_is_averaged_down():
    curve = [(step, step % 2) for step in range(10 * MAX_POINTS)]
    (line,) = line_chart({"iic": curve}).lines
    assert len(line.points) == MAX_POINTS
    heights = {y for _, y in line.points}
    assert max(heights) - min(heights) < 1e-9  # the mean of 0, 1, 0, 1, ... everywhere


def test_what_is_not_finite_is_left_out():
    curve = [(0, 1.0), (1, math.nan), (2, math.inf), (3, 2.0)]
    assert line_chart({"iic": curve}) == line_chart({"iic": [curve[0], curve[3]], "cmc": []})


@pytest.mark.parametrize("curves", [{}, {"iic": []}, {"iic": [(0, math.nan)]}])
def test_nothing_to_show(curves):
    assert line_chart(curves).lines == []


def test_a_single_point_and_a_constant_have_a_place():
    assert line_chart({"iic": [(3, 7)]}).lines[0].points == [pytest.approx((50, 50))]
    heights = [y for _, y in line_chart({"iic": [(0, 7), (9, 7)]}).lines[0].points]
    assert heights == pytest.approx([50, 50])


@pytest.mark.parametrize("ends", [[5, 5, 5], [0, 0, 9], [10, 10, 10], [0, 5, 10]])
def test_labels_stay_apart_and_inside(ends):
    curves = {str(i): [(0, 0), (1, 10), (2, end)] for i, end in enumerate(ends)}
    labels = sorted(line.label_y for line in line_chart(curves).lines)
    assert labels[0] >= 0
    assert labels[-1] <= 100
    assert all(b - a >= LABEL_SPACING - 1e-9 for a, b in itertools.pairwise(labels))


def test_labels_with_room_stand_at_the_end_of_their_lines():
    chart = line_chart({"cmc": [(0, 0), (1, 0)], "iic": [(0, 0), (1, 10)]})
    assert all(line.label_y == line.points[-1][1] for line in chart.lines)
