import pytest
import torch

from iic_ptv.data.procedural import MOTIONS, render_clips, render_videos

EVERY_MOTION = torch.arange(len(MOTIONS))


def test_there_are_a_dozen_motions_at_least():
    assert len(set(MOTIONS)) == len(MOTIONS) >= 12


@pytest.mark.parametrize(("size", "expected"), [(32, (32, 32)), ((24, 40), (24, 40)), ((40, 24), (40, 24))])
def test_clips_are_batches_of_rgb_videos(size, expected):
    clips = render_clips(EVERY_MOTION, num_frames=5, size=size)
    assert clips.shape == (len(MOTIONS), 3, 5, *expected)
    assert clips.dtype == torch.float32
    assert clips.min() >= 0.0
    assert clips.max() <= 1.0
    assert (clips.flatten(1).std(1) > 0.03).all()


def test_the_generator_determines_the_clips():
    def render(seed: int) -> torch.Tensor:
        return render_clips(EVERY_MOTION, num_frames=4, size=24, generator=torch.Generator().manual_seed(seed))

    assert torch.equal(render(1), render(1))
    assert not torch.allclose(render(1), render(2), atol=0.1)


def test_clips_of_one_call_differ_in_everything_but_their_motion():
    clips = render_clips(torch.zeros(6, dtype=torch.long), num_frames=4, size=24)
    distances = torch.cdist(clips.flatten(1), clips.flatten(1)) + 1e6 * torch.eye(6)
    assert distances.min() > 1.0


def test_a_video_does_not_depend_on_its_batch():
    seeds = torch.arange(100, 100 + len(MOTIONS))
    times = torch.arange(6.0)
    together = render_videos(EVERY_MOTION, seeds, times, 24)
    backwards = render_videos(EVERY_MOTION.flip(0), seeds.flip(0), times, 24).flip(0)
    alone = torch.cat([render_videos(EVERY_MOTION[i : i + 1], seeds[i : i + 1], times, 24) for i in EVERY_MOTION])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.allclose(together, backwards, atol=1e-5)


def test_a_clip_from_the_middle_of_a_video_shows_what_the_video_shows(monkeypatch):
    monkeypatch.setattr("iic_ptv.data.procedural.render.MAX_NOISE", 0.0)
    seeds = torch.arange(len(MOTIONS))
    videos = render_videos(EVERY_MOTION, seeds, torch.arange(30.0), 24)
    starts = EVERY_MOTION[:, None]
    clips = render_videos(EVERY_MOTION, seeds, starts + torch.arange(8.0), 24)
    for clip, video, start in zip(clips, videos, range(len(MOTIONS)), strict=True):
        assert torch.allclose(clip, video[:, start : start + 8], atol=1e-4)


def test_videos_of_one_seed_start_with_one_appearance():
    # Another motion moves the shape to elsewhere, and leaves the background as it is.
    seeds = torch.full((len(MOTIONS),), 7)
    first = render_videos(EVERY_MOTION, seeds, torch.zeros(1), 32)
    background_agrees = ((first - first[:1]).abs().amax(1) < 1e-5).float().mean((1, 2, 3))
    assert (background_agrees > 0.5).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_renders_the_same_videos():
    seeds, times = torch.arange(len(MOTIONS)), torch.arange(8.0)
    cpu = render_videos(EVERY_MOTION, seeds, times, 32)
    gpu = render_videos(EVERY_MOTION.cuda(), seeds.cuda(), times.cuda(), 32).cpu()
    assert (cpu - gpu).abs().mean() < 1e-4


def test_appearance_seeds_choose_the_look_and_leave_the_motion() -> None:
    seeds, times = torch.arange(len(MOTIONS)), torch.zeros(1)
    same = torch.full_like(seeds, 5)
    own, alike = (
        render_videos(EVERY_MOTION, seeds, times, 32),
        render_videos(EVERY_MOTION, seeds, times, 32, appearance_seeds=same),
    )
    # The shape covers some of the frame, so the medians are those of the backgrounds.
    medians = [videos.flatten(2).median(-1).values.std(0).mean() for videos in (own, alike)]
    assert medians[1] < 0.3 * medians[0]
    other = render_videos(EVERY_MOTION, seeds + 100, times, 32, appearance_seeds=same)
    assert (other - alike).flatten(1).abs().amax(1).min() > 0.1  # the shape is elsewhere
