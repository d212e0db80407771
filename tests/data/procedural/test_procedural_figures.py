import math

import pytest
import torch

from iic_ptv.data.procedural.actions import ACTIONS, CHANNELS, CURVES, LIBRARY, action_table, curves
from iic_ptv.data.procedural.canvas import Canvas
from iic_ptv.data.procedural.choreography import FIGURES, NEVER, Choreography
from iic_ptv.data.procedural.counter_random import CounterRandom
from iic_ptv.data.procedural.figures import SHADE, _Capsules, _insides
from iic_ptv.data.procedural.skeleton import BONES, FEET, JOINTS, LENGTHS, draw_lengths, place_joints

SEEDS = torch.arange(200)
TIMES = torch.arange(0.0, 60.0, 1.5).expand(200, -1)


def bones(joints: torch.Tensor) -> torch.Tensor:
    """From each bone's beginning to its end, ``(..., len(BONES), 3)``."""
    first, second = ([JOINTS.index(bone[end]) for bone in BONES] for end in (0, 1))
    return joints[..., second, :] - joints[..., first, :]


def choreography() -> Choreography:
    return Choreography.draw(CounterRandom(SEEDS))


def lengths(seed: int = 0) -> torch.Tensor:
    return draw_lengths(CounterRandom(SEEDS + 1000 * seed), FIGURES)


def test_bones_hang_together_and_keep_their_lengths() -> None:
    drawn = lengths()
    joints = place_joints(choreography().pose(TIMES[:, None]), drawn)
    measured = bones(joints).norm(dim=-1)
    assert torch.allclose(measured, measured[:, :, :1].expand_as(measured), atol=1e-5)
    names = ["torso", "neck", "shoulder", "hip", "shoulder", "hip"]
    limbs = ["upper_arm", "forearm", "hand", "thigh", "shin", "foot"] * 2
    expected = drawn[..., [list(LENGTHS).index(name) for name in names + limbs]]
    assert torch.allclose(measured[:, :, 0], expected, atol=1e-5)


def test_every_joint_is_on_a_bone() -> None:
    assert {joint for bone in BONES for joint in bone} == set(JOINTS)
    assert len(BONES) == len(JOINTS) - 1


def test_figures_on_the_stage_are_bodies_seen_from_the_side() -> None:
    """In units of its own height a figure is as long as its bones, whichever way it faces."""
    drawn, plan = lengths(), choreography()
    stage = plan.stage(TIMES, drawn, (1.0, 1.0))
    height = stage.scale[..., None, None]
    units = torch.cat([height, height, torch.ones_like(height)], dim=-1)
    seen = bones(stage.joints) / units
    body = bones(place_joints(plan.pose(TIMES[:, None]), drawn))
    assert torch.allclose(seen.norm(dim=-1), body.norm(dim=-1), atol=1e-4)


def test_another_body_moves_in_the_same_way() -> None:
    pose = choreography().pose(TIMES[:, None])
    first, second = (torch.nn.functional.normalize(bones(place_joints(pose, lengths(seed))), dim=-1) for seed in (0, 1))
    assert not torch.allclose(lengths(0), lengths(1), atol=1e-3)
    assert torch.allclose(first, second, atol=1e-3)


def test_motion_is_continuous() -> None:
    plan, drawn = choreography(), lengths()
    step = 0.02
    now, then = (plan.stage(TIMES + delay, drawn, (1.0, 1.0)).joints[..., :2] for delay in (0.0, step))
    assert ((then - now).norm(dim=-1) / step).amax() < 2.0  # a jump would be fifty times its length


def test_the_lower_foot_is_on_the_ground() -> None:
    pose = choreography().pose(TIMES[:, None])
    for channel in ("tumble", "lift"):
        pose[..., CHANNELS.index(channel)] = 0.0
    heights = place_joints(pose, lengths())[..., 1]
    lowest = heights.amin(-1)
    hands_on_ground = lowest < heights[..., FEET].amin(-1) - 1e-6
    assert hands_on_ground.float().mean() < 0.05
    assert lowest.amin() > -1e-5
    assert heights[..., FEET].amin(-1)[~hands_on_ground].abs().amax() < 1e-5


def test_a_lift_takes_the_feet_off_the_ground() -> None:
    pose = torch.zeros(1, 1, len(CHANNELS))
    body = torch.tensor([[mean for mean, _ in LENGTHS.values()]])
    standing = place_joints(pose, body)
    pose[..., CHANNELS.index("lift")] = 0.2
    assert torch.allclose(place_joints(pose, body), standing + torch.tensor([0.0, 0.2, 0.0]))


def test_walking_feet_do_not_slide() -> None:
    """Somebody who walks moves on by as much as the leg that carries the body is left behind."""
    table = action_table(torch.device("cpu"))[ACTIONS.index("walk")]
    cycles = torch.linspace(0.0, 1.0, 401)
    body = torch.tensor([[mean for mean, _ in LENGTHS.values()]])
    joints = place_joints((curves(cycles) @ table.T)[None], body)[0]
    left, right = (joints[:, JOINTS.index(f"ankle_{side}"), 0].diff(dim=0) for side in ("left", "right"))
    left_carries = (math.pi * (cycles[1:] + cycles[:-1])).cos() < 0
    left_behind = -torch.where(left_carries, left, right).sum()
    assert left_behind.item() == pytest.approx(LIBRARY["walk"].stride, rel=0.1)


@pytest.mark.parametrize("name", [name for name in CURVES if name != "round"])
def test_curves_are_periodic_and_bounded(name: str) -> None:
    cycles = torch.linspace(-1.0, 2.0, 301)
    values = curves(cycles)[:, CURVES.index(name)]
    assert values.abs().max() <= 1.0 + 1e-6
    assert torch.allclose(values[:100], values[100:200], atol=1e-4)
    assert values.diff().abs().max() < 0.25


def test_one_turn_round_ends_as_it_began() -> None:
    turn = (
        LIBRARY["turn_round"].pose["turn"]["round"]
        * curves(torch.tensor([0.0, 0.5, 0.999999]))[:, CURVES.index("round")]
    )
    assert torch.allclose(turn, torch.tensor([0.0, math.pi, math.tau]), atol=1e-3)


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_use_channels_and_curves_that_there_are(name: str) -> None:
    action = LIBRARY[name]
    assert set(action.pose) <= set(CHANNELS)
    assert {curve for curve_set in action.pose.values() for curve in curve_set} <= set(CURVES)
    assert action.response in ACTIONS


def test_actions_differ() -> None:
    poses = curves(torch.linspace(0.0, 1.0, 20)) @ action_table(torch.device("cpu")).mT
    distances = torch.cdist(poses.flatten(1), poses.flatten(1)) + 1e6 * torch.eye(len(ACTIONS))
    assert distances.min() > 0.5


def test_who_acts_together_stands_opposite() -> None:
    plan = choreography()
    pairs = plan.together
    assert 20 < pairs.sum() < 120
    assert plan.present[pairs].all()
    assert torch.allclose((plan.facing[pairs, 1] - plan.facing[pairs, 0]).cos(), torch.tensor(-1.0), atol=1e-5)
    ahead = (plan.place[pairs, 1, 0] - plan.place[pairs, 0, 0]) * plan.facing[pairs, 0].cos()
    assert (ahead > 0).all()


def test_some_figures_change_what_they_do() -> None:
    plan = choreography()
    changes = plan.change < NEVER
    assert 0.25 < changes.float().mean() < 0.55
    pose = plan.pose(TIMES[:, None])
    unchanged = Choreography(**{**vars(plan), "change": torch.full_like(plan.change, NEVER)}).pose(TIMES[:, None])
    before = (TIMES[:, None] < plan.change[..., None])[..., None]
    assert torch.equal(torch.where(before, pose, 0.0), torch.where(before, unchanged, 0.0))
    different = (plan.actions[..., 0] != plan.actions[..., 1]) & changes
    assert ((pose - unchanged)[:, :, -1].abs().amax(-1)[different] > 0.01).float().mean() > 0.9


def test_limbs_are_tapered_capsules() -> None:
    """Against the distance from a capsule's axis, pixel by pixel."""
    canvas = Canvas((1, 1, 40, 60), torch.device("cpu"))
    start, end, radii = torch.tensor([0.4, 0.3]), torch.tensor([1.0, 0.7]), torch.tensor([0.12, 0.05])
    each = {"start": start, "end": end, "radii": radii, "colors": torch.ones(5)}
    capsules = _Capsules(**{name: value.view(1, 1, 1, -1) for name, value in each.items()}, present=torch.ones(1, 1, 1))
    ((inside, brightening),) = list(_insides(canvas, capsules))
    pixels = torch.stack(torch.meshgrid(canvas.columns, canvas.rows, indexing="xy"), dim=-1)
    axis = end - start
    along = (((pixels - start) @ axis) / axis.square().sum()).clamp(0.0, 1.0)
    distance = (pixels - start - along[..., None] * axis).norm(dim=-1)
    radius = radii[0] + along * (radii[1] - radii[0])
    mean = radii.mean()
    expected = (radius.square() - distance.square()) / (2.0 * mean * canvas.pixel) + 0.5
    assert torch.allclose(inside[0, 0], expected, atol=1e-3)
    on_the_axis = (mean / (2.0 * canvas.pixel)).item()  # in pixels from the outline
    assert brightening.item() * on_the_axis == pytest.approx(SHADE)  # from 1 - SHADE at the outline to 1


def test_an_absent_figure_leaves_no_trace() -> None:
    canvas = Canvas((1, 1, 16, 16), torch.device("cpu"))
    values = torch.full((1, 1, 1, 2), 0.5)
    capsules = _Capsules(values, values + 0.2, 0.2 * values, torch.ones(1, 1, 1, 5), torch.zeros(1, 1, 1))
    ((inside, _),) = list(_insides(canvas, capsules))
    assert inside.clamp(0.0, 1.0).max() == 0.0
