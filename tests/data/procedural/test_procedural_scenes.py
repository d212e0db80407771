import pytest
import torch

from iic_ptv.data.procedural import ACTIONS, render_scenes, scene_actions

SEEDS = torch.tensor([2, 3, 2**61 + 5, -7])
TIMES = torch.arange(6.0)


@pytest.mark.parametrize(("size", "expected"), [(24, (24, 24)), ((17, 30), (17, 30)), ((31, 19), (31, 19))])
@pytest.mark.parametrize("times", [TIMES, TIMES + torch.arange(4.0)[:, None]], ids=["shared", "per scene"])
def test_scenes_are_batches_of_rgb_videos(size, expected, times) -> None:
    scenes = render_scenes(SEEDS, times, size)
    assert scenes.shape == (4, 3, 6, *expected)
    assert (scenes.dtype, scenes.is_contiguous()) == (torch.float32, True)
    assert scenes.min() >= 0.0
    assert scenes.max() <= 1.0
    assert (scenes.flatten(1).std(1) > 0.02).all()


def test_a_scene_does_not_depend_on_its_batch_nor_a_moment_on_the_others() -> None:
    together = render_scenes(SEEDS, TIMES, 20)
    alone = torch.cat([render_scenes(seed[None], TIMES[[4, 1]], 20) for seed in SEEDS])
    shifted = render_scenes(SEEDS, TIMES.expand(4, -1)[:, 2:] + torch.arange(4.0)[:, None], 20)
    # Compression rounds, so that the last bit of a sum may now and then make one coefficient another.
    assert (together[:, :, [4, 1]] - alone).abs().mean() < 1e-4
    assert (together[:1, :, 2:] - shifted[:1]).abs().mean() < 1e-4


def test_half_precision_elsewhere_changes_nothing() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        mixed = render_scenes(SEEDS, TIMES[:2], 16)
    assert torch.equal(mixed, render_scenes(SEEDS, TIMES[:2], 16))


def test_seeds_make_scenes_and_time_makes_motion() -> None:
    scenes = render_scenes(torch.arange(12), torch.tensor([0.0, 6.0, 12.0]), 24)
    distances = torch.cdist(scenes.flatten(1), scenes.flatten(1)) + 1e6 * torch.eye(12)
    assert distances.min() > 2.0
    assert ((scenes[:, :, 2] - scenes[:, :, 0]).flatten(1).abs().amax(1) > 0.1).all()


def test_a_larger_picture_shows_the_same() -> None:
    small, large = (render_scenes(torch.arange(8), TIMES[:2], size, appearances=None) for size in (32, 96))
    shrunk = torch.nn.functional.avg_pool3d(large, (1, 3, 3))
    assert (shrunk - small).abs().mean() < 0.06
    assert (shrunk - small.roll(1, 0)).abs().mean() > 0.12


def test_few_appearances_make_scenes_look_alike_but_for_what_happens_in_them() -> None:
    seeds = torch.arange(16)

    def colors(appearances: int | None) -> torch.Tensor:
        return render_scenes(seeds, torch.tensor([0.0]), 16, appearances=appearances).mean((2, 3, 4))

    own, two = colors(None), colors(2)
    assert two.view(8, 2, 3).std(0).mean() < 0.5 * own.std(0).mean()  # seeds of one parity look alike
    assert torch.equal(colors(10**6), own)
    alike = render_scenes(seeds, torch.tensor([0.0, 9.0]), 16, appearances=1)
    assert ((alike[1:] - alike[:1]).flatten(1).abs().amax(1) > 0.15).all()


def test_the_action_is_that_of_the_motion_and_every_action_comes_up() -> None:
    actions = scene_actions(torch.arange(2000))
    assert actions.dtype == torch.int64
    counts = actions.bincount(minlength=len(ACTIONS))
    assert len(counts) == len(ACTIONS) >= 20
    assert (counts > 2000 / len(ACTIONS) / 2).all()


def test_the_look_does_not_tell_the_action() -> None:
    """The mean colours of a scene, from which its look can be told, are no better than chance."""
    seeds = torch.arange(600)
    colors = render_scenes(seeds, torch.tensor([0.0]), 8)[:, :, 0].flatten(1)
    actions = scene_actions(seeds)
    nearest = (torch.cdist(colors, colors) + 1e6 * torch.eye(600)).argmin(1)
    accuracy = (actions[nearest] == actions).float().mean()
    assert accuracy < 1.0 / len(ACTIONS) + 0.035  # four standard deviations
