import math

import pytest
import torch

from iic_ptv.data.procedural.shapes import SHAPES, coverage

SIZE = 128
PIXEL = 1.0 / SIZE
AXIS = ((torch.arange(SIZE) + 0.5) * PIXEL - 0.5)[None, None]


def mask(shape: str, angle: float = 0.0, radius: float = 0.22) -> torch.Tensor:
    index = torch.tensor([list(SHAPES).index(shape)])
    return coverage(index, AXIS, AXIS, torch.tensor([[angle]]), torch.tensor([[radius]]), PIXEL)[0, 0]


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_one_radius_have_the_area_of_that_disc(shape):
    area = mask(shape).sum() * PIXEL**2
    assert area == pytest.approx(math.pi * 0.22**2, rel=0.02)


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_fit_into_half_the_frame_at_their_largest(shape):
    largest = mask(shape, angle=0.3, radius=0.38 * math.exp(0.3) / 2)
    assert largest[[0, -1]].max() == 0.0
    assert largest[:, [0, -1]].max() == 0.0


@pytest.mark.parametrize("shape", SHAPES)
def test_a_positive_angle_turns_the_shape_clockwise(shape):
    turned = mask(shape, angle=0.4 + math.pi / 2)
    assert torch.allclose(turned, mask(shape, angle=0.4).rot90(-1), atol=1e-3)
    symmetry = math.tau / SHAPES[shape].corners
    assert torch.allclose(mask(shape, angle=0.4 + symmetry), mask(shape, angle=0.4), atol=1e-2)


def test_a_disc_is_a_disc_with_soft_edges():
    distance = torch.hypot(AXIS[0].T, AXIS[0])
    expected = ((0.22 - distance) / PIXEL + 0.5).clamp(0.0, 1.0)
    assert (mask("disc") - expected).abs().max() < 0.2  # it has 32 corners
    assert (mask("disc") - expected).abs().mean() < 1e-3


def test_a_square_is_the_intersection_of_its_half_planes():
    half_side = 0.22 * math.sqrt(math.pi) / 2
    axis = AXIS[0, 0].abs()
    distance = torch.maximum(axis[None, :], axis[:, None]) - half_side
    expected = (0.5 - distance / PIXEL).clamp(0.0, 1.0)
    assert torch.allclose(mask("square", angle=math.pi / 4), expected, atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_only_shapes_with_a_hole_are_empty_in_the_middle(shape):
    middle = mask(shape)[SIZE // 2 - 4 : SIZE // 2 + 4, SIZE // 2 - 4 : SIZE // 2 + 4]
    assert (middle == (0.0 if SHAPES[shape].hole else 1.0)).all()
