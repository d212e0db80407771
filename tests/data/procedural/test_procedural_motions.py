import math

import pytest
import torch

from iic_ptv.data.procedural.counter_random import CounterRandom
from iic_ptv.data.procedural.motions import MOTIONS, SPIN_PER_SPEED, MotionParameters, Trajectory, trajectory

BATCH = 200
TIMES = torch.arange(40.0)


def follow(motion: str) -> tuple[Trajectory, MotionParameters]:
    parameters = MotionParameters.draw(CounterRandom(torch.arange(BATCH)))
    return trajectory(torch.full((BATCH,), MOTIONS.index(motion)), parameters, TIMES), parameters


def wrapped(difference: torch.Tensor, period: float = 1.0) -> torch.Tensor:
    return (difference + period / 2).remainder(period) - period / 2


def steps(path: Trajectory) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Displacement per frame in x and y, and turn per frame."""
    x, y = wrapped(path.position.diff(dim=1)).unbind(-1)
    return x, y, wrapped(path.angle.diff(dim=1), math.tau)


def close(actual: torch.Tensor, expected: torch.Tensor | float) -> bool:
    return torch.allclose(actual, torch.as_tensor(expected).expand_as(actual), atol=2e-5)


@pytest.mark.parametrize(
    ("motion", "direction"),
    [
        ("translate_left", (-1, 0)),
        ("translate_right", (1, 0)),
        ("translate_up", (0, -1)),
        ("translate_down", (0, 1)),
    ],
)
def test_translations_keep_their_velocity_for_ever(motion, direction):
    path, p = follow(motion)
    x, y, turn = steps(path)
    assert close(x, direction[0] * p.speed)
    assert close(y, direction[1] * p.speed)
    assert close(turn, 0.0)


@pytest.mark.parametrize(("motion", "direction"), [("spin_clockwise", 1), ("spin_counterclockwise", -1)])
def test_spins_turn_evenly_in_place(motion, direction):
    path, p = follow(motion)
    x, y, turn = steps(path)
    assert close(x, 0.0)
    assert close(y, 0.0)
    assert close(turn, direction * SPIN_PER_SPEED * p.speed)


@pytest.mark.parametrize(("motion", "direction"), [("orbit_clockwise", 1), ("orbit_counterclockwise", -1)])
def test_orbits_turn_the_velocity_and_not_the_shape(motion, direction):
    path, p = follow(motion)
    x, y, turn = steps(path)
    assert close(turn, 0.0)
    assert close(torch.hypot(x, y), 2 * p.amplitude * torch.sin(math.pi / p.period))  # a chord of the circle
    # With y downwards, a positive cross product is a right turn: clockwise on the screen.
    cross = x[:, :-1] * y[:, 1:] - y[:, :-1] * x[:, 1:]
    assert (direction * cross > 0).all()


@pytest.mark.parametrize(("motion", "axis"), [("oscillate_horizontally", 0), ("oscillate_vertically", 1)])
def test_oscillations_swing_along_one_axis(motion, axis):
    path, p = follow(motion)
    moving, resting = steps(path)[axis], steps(path)[1 - axis]
    assert close(resting, 0.0)
    displacement = moving.cumsum(1)
    width = displacement.amax(1, keepdim=True) - displacement.amin(1, keepdim=True)
    assert (width > 1.8 * p.amplitude).all()
    assert (width <= 2.0 * p.amplitude + 1e-5).all()


def test_rock_turns_to_and_fro():
    path, _ = follow("rock")
    x, y, turn = steps(path)
    assert close(x, 0.0)
    assert close(y, 0.0)
    assert ((turn > 0).any(1) & (turn < 0).any(1)).all()
    assert (turn.cumsum(1).abs() <= 1.2 + 1e-4).all()


def test_only_pulsate_changes_the_size():
    for motion in MOTIONS:
        path, _ = follow(motion)
        ratio = path.diameter.amax(1) / path.diameter.amin(1)
        if motion == "pulsate":
            assert ((ratio > 1.7) & (ratio < 1.83)).all()
            assert close(path.position.diff(dim=1), 0.0)
        else:
            assert close(ratio, 1.0)


def test_bounce_falls_freely_between_its_hops():
    path, p = follow("bounce")
    x, y, _ = steps(path)
    assert close(x, 0.7 * p.sign * p.speed)
    gravity = y.diff(dim=1)
    free = 12.0 * p.amplitude / p.period**2
    falling = torch.isclose(gravity, free, atol=2e-5)
    assert (gravity <= free + 2e-5).all()  # else it is thrown upwards
    assert (gravity < 0).any(1).all()
    assert (falling.float().mean(1) > 0.6).all()


def test_zigzag_climbs_or_sinks_evenly_between_its_turns():
    path, p = follow("zigzag")
    x, y, _ = steps(path)
    assert close(y, p.sign * p.speed)
    straight = torch.isclose(x.abs(), 4.0 * p.amplitude / p.period, atol=2e-5)
    assert (straight.float().mean(1) > 0.6).all()
    assert ((x > 0).any(1) & (x < 0).any(1)).all()


def test_roll_turns_with_its_travel():
    path, p = follow("roll")
    x, y, turn = steps(path)
    assert close(x, p.sign * p.speed)
    assert close(y, 0.0)
    assert close(turn, SPIN_PER_SPEED * x)


def test_stop_and_go_travels_half_of_the_time_in_one_direction():
    path, p = follow("stop_and_go")
    x, y, _ = steps(path)
    length = torch.hypot(x, y)
    going, resting = torch.isclose(length, 1.4 * p.speed, atol=2e-5), length < 2e-5
    assert (going.float().mean(1) > 0.3).all()
    assert (resting.float().mean(1) > 0.3).all()
    assert close(x * p.heading.sin() - y * p.heading.cos(), 0.0)
    assert close(x * p.heading.cos() + y * p.heading.sin(), length)


def test_a_position_stays_in_a_frame_that_is_not_square():
    parameters = MotionParameters.draw(CounterRandom(torch.arange(BATCH)))
    path = trajectory(torch.arange(BATCH) % len(MOTIONS), parameters, TIMES, extent=(1.5, 1.0))
    assert (path.position >= 0).all()
    assert path.position[..., 0].max() > 1.4
    assert path.position[..., 0].max() <= 1.5
    assert path.position[..., 1].max() <= 1.0


def test_moments_can_differ_between_videos():
    parameters = MotionParameters.draw(CounterRandom(torch.arange(BATCH)))
    motions = torch.arange(BATCH) % len(MOTIONS)
    starts = torch.arange(BATCH) % 30
    everything = trajectory(motions, parameters, TIMES)
    some = trajectory(motions, parameters, starts[:, None] + torch.arange(8.0))
    for i, start in enumerate(starts):
        assert torch.equal(some.position[i], everything.position[i, start : start + 8])
        assert torch.equal(some.diameter[i], everything.diameter[i, start : start + 8])


# A single moment says nothing about the motion. ----------------------------------------------------------------------

SAMPLES = 4000
KOLMOGOROV_BOUND = 2.3  # exceeded with a probability of 5e-5


def random_moments(motion: str) -> dict[str, torch.Tensor]:
    seeds = SAMPLES * MOTIONS.index(motion) + torch.arange(SAMPLES)
    random = CounterRandom(seeds)
    parameters = MotionParameters.draw(random)
    moment = random.uniform(1, high=48.0)
    path = trajectory(torch.full((SAMPLES,), MOTIONS.index(motion)), parameters, moment)
    return {
        "x": path.position[:, 0, 0],
        "y": path.position[:, 0, 1],
        "angle": path.angle[:, 0] / math.tau,
        "diameter": path.diameter[:, 0],
    }


def kolmogorov_statistic(samples: torch.Tensor, reference: torch.Tensor) -> float:
    """Greatest distance of two empirical distributions, scaled to its asymptotic law."""
    n, m = len(samples), len(reference)
    points = torch.cat([samples, reference])
    below = torch.searchsorted(samples.sort().values, points, right=True) / n
    below_reference = torch.searchsorted(reference.sort().values, points, right=True) / m
    return float((below - below_reference).abs().max()) * math.sqrt(n * m / (n + m))


@pytest.mark.parametrize("motion", MOTIONS)
def test_position_orientation_and_size_at_a_random_moment_do_not_depend_on_the_motion(motion):
    moments = random_moments(motion)
    uniform = (torch.arange(20_000) + 0.5) / 20_000
    for name in ("x", "y", "angle"):
        assert kolmogorov_statistic(moments[name], uniform) < KOLMOGOROV_BOUND, name
    # A still shape whose size is drawn from what a pulsation visits.
    parameters = MotionParameters.draw(CounterRandom(10**6 + torch.arange(20_000)))
    sizes = (parameters.diameter * torch.exp(0.3 * torch.sin(parameters.phase)))[:, 0]
    assert kolmogorov_statistic(moments["diameter"], sizes) < KOLMOGOROV_BOUND
    # Nor do they tell of each other.
    correlations = torch.corrcoef(torch.stack(list(moments.values()))).fill_diagonal_(0.0)
    assert correlations.abs().max() < 4.5 / SAMPLES**0.5


def test_the_check_of_the_marginals_can_fail():
    moments = random_moments("pulsate")
    uniform = (torch.arange(20_000) + 0.5) / 20_000
    assert kolmogorov_statistic(0.96 * moments["x"], uniform) > KOLMOGOROV_BOUND
