"""What must hold for every intra-negative, and what holds for each."""

import itertools
import math

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.registry import INTRA_NEGATIVES
from iic_ptv.transforms import (
    InTurn,
    ReverseFrames,
    RotateFrames,
    ShuffleSegments,
    freeze_segment,
    repeat_frame,
    reverse_frames,
    rotate_frames,
    shuffle_frames,
    shuffle_segments,
)


def numbered_clips(num_clips: int, num_frames: int = 8) -> torch.Tensor:
    """Clips whose pixels hold 100 * clip + frame: every frame can be told from every other."""
    number = 100 * torch.arange(num_clips)[:, None] + torch.arange(num_frames)
    return number[:, None, :, None, None].expand(num_clips, 3, num_frames, 4, 4).float().contiguous()


def frame_order(clips: torch.Tensor) -> torch.Tensor:
    """Read the frame numbers ``(B, T)`` back."""
    return clips[:, 0, :, 0, 0].long() % 100


@pytest.mark.parametrize("name", INTRA_NEGATIVES.names())
class TestEveryIntraNegative:
    def test_keeps_shape_type_and_input(self, name: str) -> None:
        for clip in (torch.rand(3, 8, 6, 6), torch.rand(5, 3, 8, 6, 6), torch.rand(2, 5, 3, 8, 6, 6).half()):
            before = clip.clone()
            negative = INTRA_NEGATIVES.get(name)()(clip)
            assert negative.shape == clip.shape
            assert negative.dtype == clip.dtype
            assert torch.equal(clip, before)

    def test_destroys_the_clip_but_invents_no_pixel(self, name: str) -> None:
        clip = torch.rand(64, 3, 8, 6, 6)
        negative = INTRA_NEGATIVES.get(name)()(clip)
        assert (negative != clip).flatten(1).any(dim=1).all()
        for given, made in zip(clip, negative, strict=True):
            assert torch.isin(made, given).all()

    def test_generator_decides_and_global_state_is_left_alone(self, name: str) -> None:
        clip = torch.rand(16, 3, 8, 6, 6)
        module, state = INTRA_NEGATIVES.get(name)(), torch.random.get_rng_state()
        first = module(clip, generator=torch.Generator().manual_seed(3))
        assert torch.equal(first, module(clip, generator=torch.Generator().manual_seed(3)))
        assert torch.equal(state, torch.random.get_rng_state())

    def test_with_generators_of_their_own_clips_are_treated_alike_in_a_batch_and_alone(self, name: str) -> None:
        clips, module = torch.rand(6, 3, 8, 6, 6), INTRA_NEGATIVES.get(name)()
        batch = module(clips, [torch.Generator().manual_seed(seed) for seed in range(6)])
        alone = [module(clip, torch.Generator().manual_seed(seed)) for seed, clip in enumerate(clips)]
        assert torch.equal(batch, torch.stack(alone))


def test_repeat_shows_one_frame_drawn_per_clip_and_uniformly() -> None:
    order = frame_order(repeat_frame(numbered_clips(8000), torch.Generator().manual_seed(0)))
    assert (order == order[:, :1]).all()
    share = torch.bincount(order[:, 0], minlength=8) / len(order)
    assert torch.allclose(share, torch.full((8,), 1 / 8), atol=0.02)


def test_swap_exchanges_two_segments_uniformly_over_the_pairs() -> None:
    order = frame_order(shuffle_segments(numbered_clips(6000), generator=torch.Generator().manual_seed(0)))
    segments = order.view(-1, 4, 2)
    assert (segments[..., 1] == segments[..., 0] + 1).all()
    place = segments[..., 0] // 2
    assert ((place != torch.arange(4)).sum(dim=1) == 2).all()
    _, counts = place.unique(dim=0, return_counts=True)
    assert len(counts) == 6
    assert torch.allclose(counts / len(order), torch.full((6,), 1 / 6), atol=0.02)


@pytest.mark.parametrize(("num_frames", "num_segments"), [(8, 2), (8, 3), (7, 4), (10, 4), (16, 16), (5, 5)])
@pytest.mark.parametrize("mode", ["swap", "permute"])
def test_any_cut_keeps_all_frames_and_never_the_order(num_frames: int, num_segments: int, mode: str) -> None:
    clips = numbered_clips(200, num_frames)
    order = frame_order(shuffle_segments(clips, num_segments, mode, torch.Generator().manual_seed(1)))
    assert torch.equal(order.sort(dim=1).values, torch.arange(num_frames).expand(200, -1))
    assert (order != torch.arange(num_frames)).any(dim=1).all()
    # A frame is followed by the next one except at the borders of segments.
    breaks = (order.diff(dim=1) != 1).sum(dim=1)
    assert breaks.max() <= num_segments - 1


def test_permute_reaches_every_order_but_the_identity() -> None:
    order = frame_order(
        shuffle_segments(numbered_clips(4000, 4), 4, "permute", generator=torch.Generator().manual_seed(2))
    )
    seen = {tuple(row) for row in order.tolist()}
    assert seen == set(itertools.permutations(range(4))) - {(0, 1, 2, 3)}


@pytest.mark.parametrize("num_frames", [2, 3, 8])
def test_shuffled_frames_are_in_any_order_but_their_own(num_frames: int) -> None:
    order = frame_order(shuffle_frames(numbered_clips(4000, num_frames), torch.Generator().manual_seed(2)))
    assert torch.equal(order.sort(dim=1).values, torch.arange(num_frames).expand(4000, -1))
    assert (order != torch.arange(num_frames)).any(dim=1).all()
    orders = math.factorial(num_frames) - 1
    assert len(order.unique(dim=0)) > 0.9 * min(orders, 4000)  # of many, hardly any is drawn twice


def test_a_frozen_segment_lies_anywhere_and_all_else_is_as_it_was() -> None:
    order = frame_order(freeze_segment(numbered_clips(6000), generator=torch.Generator().manual_seed(0)))
    start = (order == order.roll(-1, dims=1)).int().argmax(dim=1)  # the first frame that its next one repeats
    for first in range(5):
        frozen = torch.arange(8)
        frozen[first : first + 4] = first
        assert (order[start == first] == frozen).all()
    share = torch.bincount(start, minlength=5) / len(order)
    assert torch.allclose(share, torch.full((5,), 1 / 5), atol=0.02)


@pytest.mark.parametrize(("share", "num_frames", "length"), [(0.01, 8, 2), (1, 8, 8), (0.25, 16, 4), (0.5, 2, 2)])
def test_a_frozen_segment_is_as_long_as_asked_for(share: float, num_frames: int, length: int) -> None:
    order = frame_order(freeze_segment(numbered_clips(50, num_frames), share))
    assert ((order.diff(dim=1) == 0).sum(dim=1) == length - 1).all()


def test_a_single_frame_stays_as_it_is() -> None:
    clip = torch.rand(4, 3, 1, 6, 6)
    for destroy in (repeat_frame, shuffle_frames, freeze_segment, reverse_frames):
        assert torch.equal(destroy(clip), clip)


def test_in_turn_is_one_after_the_other_with_the_same_draws() -> None:
    clips = torch.rand(6, 3, 8, 5, 5)
    composed = InTurn([ShuffleSegments(num_segments=8), RotateFrames(), ReverseFrames()])
    made = composed(clips, [torch.Generator().manual_seed(seed) for seed in range(6)])
    for seed, (clip, destroyed) in enumerate(zip(clips, made, strict=True)):
        generator = torch.Generator().manual_seed(seed)
        turned = rotate_frames(shuffle_segments(clip, 8, "swap", generator), generator=generator)
        assert torch.equal(turned.flip(1), destroyed)


def test_rotate_turns_all_frames_of_a_clip_alike_and_draws_per_clip() -> None:
    clip = torch.rand(300, 2, 3, 4, 4)
    rotated = rotate_frames(clip, generator=torch.Generator().manual_seed(0))
    quarter_turns = [
        next(k for k in (1, 2, 3) if torch.equal(torch.rot90(given, k, (-2, -1)), made))
        for given, made in zip(clip, rotated, strict=True)
    ]
    assert set(quarter_turns) == {1, 2, 3}
    assert torch.equal(rotate_frames(clip, angles=(90,)), clip.rot90(1, (-2, -1)))


def test_reverse_twice_is_the_clip() -> None:
    clip = torch.rand(2, 3, 5, 4, 4)
    assert torch.equal(reverse_frames(reverse_frames(clip)), clip)
    assert torch.equal(reverse_frames(clip)[:, :, 0], clip[:, :, -1])


@pytest.mark.parametrize(
    "call",
    [
        lambda: repeat_frame(torch.rand(8, 4, 4)),
        lambda: shuffle_segments(torch.rand(3, 3, 4, 4)),
        lambda: shuffle_segments(torch.rand(3, 8, 4, 4), num_segments=1),
        lambda: shuffle_segments(torch.rand(3, 8, 4, 4), mode="reverse"),
        lambda: shuffle_frames(torch.rand(8, 4, 4)),
        lambda: freeze_segment(torch.rand(3, 8, 4, 4), share=0),
        lambda: freeze_segment(torch.rand(3, 8, 4, 4), share=1.5),
        lambda: rotate_frames(torch.rand(3, 8, 4, 6)),
        lambda: rotate_frames(torch.rand(3, 8, 4, 4), angles=(45,)),
    ],
)
def test_what_cannot_be_done_is_refused(call) -> None:
    with pytest.raises(InputError):
        call()
