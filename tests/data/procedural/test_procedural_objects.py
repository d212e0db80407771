import math

import pytest
import torch

from iic_ptv.data.procedural.affine import inverse, transformation
from iic_ptv.data.procedural.boxes import Boxes
from iic_ptv.data.procedural.canvas import Canvas
from iic_ptv.data.procedural.counter_random import CounterRandom, DrawnAhead
from iic_ptv.data.procedural.journeys import MARGIN, Journeys
from iic_ptv.data.procedural.lens import Lens, View
from iic_ptv.data.procedural.props import Props
from iic_ptv.data.procedural.textures import Texture, draw_textures

CPU = torch.device("cpu")


def still_view(frames: int, pan: tuple[float, float] = (0.0, 0.0), zoom: float = 1.0) -> View:
    ones = torch.ones(1, frames)
    return View(
        torch.tensor(pan).expand(1, frames, 2),
        zoom * ones,
        0.0 * ones,
        torch.tensor([0.5, 0.5]),
        transformation(0.0 * ones, 0.0 * ones, zoom * ones, zoom * ones),
    )


def test_transformations_stretch_then_shear_then_turn() -> None:
    quarter = transformation(torch.tensor(math.pi / 2), torch.tensor(0.0), torch.tensor(2.0), torch.tensor(3.0))
    assert torch.allclose(quarter, torch.tensor([[0.0, -3.0], [2.0, 0.0]]), atol=1e-6)
    sheared = transformation(torch.tensor(0.0), torch.tensor(0.5), torch.tensor(1.0), torch.tensor(2.0))
    assert torch.allclose(sheared, torch.tensor([[1.0, 1.0], [0.0, 2.0]]))
    several = transformation(*torch.rand(4, 20).add(0.2))
    assert torch.allclose(inverse(several) @ several, torch.eye(2).expand(20, 2, 2), atol=1e-5)


def test_what_is_in_front_hides_what_is_behind() -> None:
    canvas = Canvas((1, 1, 2, 2), CPU)
    half = torch.tensor([[1.0, 0.5], [0.0, 0.0]]).view(1, 1, 2, 2)
    red, blue = torch.tensor([[[1.0, 0.0, 0.0]]]), torch.tensor([[[0.0, 0.0, 1.0]]])
    canvas.add(canvas.take(half.clone()), red)
    canvas.add(canvas.take(torch.ones(1, 1, 2, 2)), blue)
    assert torch.equal(canvas.color[0, 0, 0], half[0, 0])
    assert torch.equal(canvas.color[0, 0, 2], 1.0 - half[0, 0])
    assert canvas.open.max() == 0.0


def test_a_zoom_enlarges_about_the_centre_and_a_pan_moves_less_what_is_far() -> None:
    points = torch.tensor([[0.5, 0.5], [0.75, 0.5]]).view(1, 1, 2, 2)
    assert torch.allclose(still_view(1, zoom=2.0).project(points)[0, 0], torch.tensor([[0.5, 0.5], [1.0, 0.5]]))
    near, far = (still_view(1, pan=(0.2, 0.0)).project(points, nearness)[0, 0] for nearness in (1.0, 0.5))
    assert torch.allclose(near, points[0, 0] - torch.tensor([0.2, 0.0]))
    assert torch.allclose(far, points[0, 0] - torch.tensor([0.1, 0.0]))


def test_cameras_differ_and_some_follow_the_figure() -> None:
    lens, times = Lens.draw(CounterRandom(torch.arange(100))), torch.arange(0.0, 40.0, 4.0).expand(100, -1)
    gone = torch.linspace(0.0, 1.0, 10)[:, None] * torch.tensor([1.0, 0.0])
    alone, along = (lens.view(times, way.expand(100, 10, 2), (1.0, 1.0)) for way in (torch.zeros(10, 2), gone))
    followed = (along.pan - alone.pan)[:, -1, 0]
    assert torch.allclose(followed, lens.follow[:, 0], atol=1e-5)
    assert 0.2 < (followed > 0).float().mean() < 0.5
    moving = (alone.pan - alone.pan[:, :1]).abs().amax((1, 2)) > 1e-3
    assert 0.4 < moving.float().mean() < 1.0
    assert alone.zoom.amax() < 1.4


def test_objects_come_again_after_they_have_left_and_move_smoothly_inside() -> None:
    journeys = Journeys.draw(CounterRandom(torch.arange(60)), 3)
    times = torch.arange(0.0, 200.0, 0.25).expand(60, -1)
    center, matrix, blend = journeys.follow(times, (1.0, 1.0))
    assert center.amin() >= -MARGIN - 1e-5
    assert center.amax() <= 1.0 + MARGIN + 1e-5
    assert (blend.amin(), blend.amax()) >= (0.0, 0.5)
    assert blend.amax() <= 1.0
    steps = center.diff(dim=1).norm(dim=-1)
    assert ((steps < 0.1) | (steps > 1.0)).all()
    assert torch.linalg.det(matrix).amin() > 0.1
    assert (matrix.diff(dim=1).abs().amax((1, 3, 4)) > 1e-3).float().mean() > 0.5


def test_objects_have_the_area_of_their_outline() -> None:
    canvas = Canvas((40, 1, 96, 96), CPU)
    props = Props.draw(CounterRandom(torch.arange(40)), CounterRandom(torch.arange(40) + 100), [1.0])
    view = still_view(1)
    view = View(*(part if part.ndim == 1 else part.expand(40, *part.shape[1:]) for part in vars(view).values()))
    placed = props.place(canvas, view, torch.zeros(40, 1))
    covered = placed._cover(0)[:, 0]
    # The same from the definition: inside all edges and the rim, outside the hole, on the object's own plane.
    pixels = torch.stack(torch.meshgrid(canvas.columns, canvas.rows, indexing="xy"), dim=-1)
    center, form, _ = props.journeys.follow(torch.zeros(40, 1), (1.0, 1.0))
    local = inverse(form[:, 0, 0] * props.outlines.radius[:, 0, None, None])
    points = (pixels - center[:, 0, 0, None, None]) @ local[:, None].mT
    normals = torch.stack([props.outlines.normals[:, 0].cos(), props.outlines.normals[:, 0].sin()], dim=-1)
    inside = ((points @ normals[:, None].mT) < props.outlines.edges[:, 0, None, None]).all(-1)
    distance = points.norm(dim=-1)
    inside &= (distance < props.outlines.rim[:, 0, None, None]) & (distance > props.outlines.hole[:, 0, None, None])
    assert (covered.sum((1, 2)) - inside.sum((1, 2))).abs().max() < 0.06 * 96 * 96 * 0.2
    assert ((covered > 0.5) == inside).float().mean() > 0.99
    assert inside.float().mean() > 0.01


@pytest.mark.parametrize("present", [0.0, 1.0])
def test_boxes_stand_where_they_are(present: float) -> None:
    canvas = Canvas((1, 1, 40, 40), CPU)
    box = transformation(*torch.tensor([0.0, 0.0, 0.5, 0.25])[:, None, None])
    boxes = Boxes(torch.tensor([[[0.5, 0.5]]]), box, torch.ones(1, 1, 3), torch.full((1, 1), present), 1.0)
    boxes.paint(canvas, still_view(1))
    expected = torch.zeros(40, 40)
    expected[15:25, 10:30] = present
    assert torch.allclose(canvas.color[0, 0, 0], expected, atol=1e-4)


def test_a_transformed_texture_is_the_texture_at_the_transformed_place() -> None:
    texture = Texture.draw(CounterRandom(torch.tensor([4])), (1.0, 2.0))
    x, y = torch.linspace(-1.0, 1.0, 5).view(1, 1, 5), torch.linspace(-0.5, 0.5, 3).view(1, 1, 3)
    matrix = torch.tensor([[0.7, 0.4], [-0.2, 1.3]])
    weights = texture.evaluate_affine(x, y, matrix.view(1, 1, 2, 2))[0, 0]
    for row in range(3):
        for column in range(5):
            place = matrix @ torch.stack([x[0, 0, column], y[0, 0, row]])
            one = texture.evaluate(*place.view(2, 1, 1, 1), torch.zeros(1, 1), torch.ones(1, 1))
            assert one.item() == pytest.approx(weights[row, column].item(), abs=1e-5)


def test_textures_drawn_together_are_textures_drawn_one_by_one() -> None:
    seeds = torch.arange(5)
    together = draw_textures(CounterRandom(seeds), 3, (1.0, 2.0))
    singly = Texture.draw(CounterRandom(CounterRandom(seeds).more_seeds(3)), (1.0, 2.0))
    for number, texture in enumerate(together):
        for name, value in vars(texture).items():
            assert torch.equal(value, getattr(singly, name)[number::3])
    assert not torch.allclose(together[0].phases, together[1].phases)


@pytest.mark.parametrize("reserve", [4, 100])
def test_numbers_drawn_ahead_are_the_numbers(reserve: int) -> None:
    seeds = torch.tensor([1, 2, 3])
    ahead, plain = DrawnAhead(seeds, reserve), CounterRandom(seeds)
    for shape in ((2,), (3, 2), (), (1, 4)):
        assert torch.equal(ahead.uniform(*shape, low=-1.0, high=2.0), plain.uniform(*shape, low=-1.0, high=2.0))
        assert torch.equal(ahead.uniform(*shape), plain.uniform(*shape))
        assert torch.equal(ahead.integers(*shape, high=5), plain.integers(*shape, high=5))
    assert torch.equal(ahead.more_seeds(2), plain.more_seeds(2))
