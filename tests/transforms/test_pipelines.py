"""Clip pipelines: one crop, flip and colour change per clip, shown with frames whose pixels are coordinates."""

from functools import partial

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.transforms import (
    center_crop,
    color_jitter,
    evaluation_transform,
    gaussian_blur,
    grayscale,
    normalize,
    random_crop,
    random_horizontal_flip,
    resize,
    strong_train_transform,
    to_float,
    train_transform,
)


def coordinate_clip(num_frames: int = 16, height: int = 128, width: int = 171) -> torch.Tensor:
    """A clip of identical frames whose pixel (y, x) has the colour (y, x, 0): any crop can be read off."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    frame = torch.stack([y, x, torch.zeros_like(y)]).to(torch.uint8)
    return frame[:, None].expand(3, num_frames, height, width).contiguous()


def frames_agree(clip: torch.Tensor) -> bool:
    return torch.allclose(clip, clip[..., :1, :, :].expand_as(clip), atol=1e-6)


PIPELINES = [train_transform, strong_train_transform, evaluation_transform]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_every_frame_of_a_clip_is_treated_alike(pipeline) -> None:
    for seed in range(10):
        torch.manual_seed(seed)
        result = pipeline()({"video": coordinate_clip(), "label": 3})
        assert result["video"].shape == (3, 16, 112, 112)
        assert result["video"].dtype == torch.float32
        assert frames_agree(result["video"])
        assert result["label"] == 3


def test_training_crops_differ_between_clips_and_cover_the_frame() -> None:
    torch.manual_seed(0)
    corners = {
        tuple((train_transform()({"video": coordinate_clip(1)})["video"][:2, 0, 0, 0] * 255).tolist())
        for _ in range(200)
    }
    tops, lefts = zip(*corners, strict=True)
    assert min(tops) == 0
    assert max(tops) == 16
    assert min(lefts) <= 3
    assert max(lefts) >= 56


def test_evaluation_takes_the_middle() -> None:
    video = evaluation_transform()({"video": coordinate_clip()})["video"] * 255
    assert video[:2, 0, 0, 0].round().tolist() == [8, 29]


def test_two_clips_of_a_video_get_crops_of_their_own() -> None:
    torch.manual_seed(0)
    first, second = train_transform()({"video": [coordinate_clip(), coordinate_clip()]})["video"]
    assert not torch.equal(first, second)
    assert frames_agree(first)
    assert frames_agree(second)


@pytest.mark.parametrize(
    "augment",
    [
        partial(random_crop, size=5),
        partial(random_horizontal_flip, probability=0.5),
        partial(color_jitter, probability=0.7),
        partial(gaussian_blur, probability=0.5),
    ],
)
def test_draws_are_per_clip_of_a_batch_and_shared_by_its_frames(augment) -> None:
    frame = torch.rand(3, 1, 9, 9)
    batch = frame.expand(200, 3, 4, 9, 9)
    result = augment(batch, generator=torch.Generator().manual_seed(0))
    assert frames_agree(result)
    assert len(result.flatten(1).unique(dim=0)) > 1


def test_batched_crop_shows_windows_of_each_clip() -> None:
    batch = coordinate_clip(2, 10, 12).expand(50, 3, 2, 10, 12) + torch.arange(50, dtype=torch.uint8).view(
        -1, 1, 1, 1, 1
    )
    crops = random_crop(batch, (4, 6), torch.Generator().manual_seed(0))
    for clip, crop in zip(batch, crops, strict=True):
        top, left = (crop[:2, 0, 0, 0] - clip[:2, 0, 0, 0]).tolist()
        assert torch.equal(crop, clip[..., top : top + 4, left : left + 6])


def test_flip_mirrors_or_leaves() -> None:
    clip = torch.rand(3, 2, 4, 4)
    assert torch.equal(random_horizontal_flip(clip, 1.0), clip.flip(-1))
    assert torch.equal(random_horizontal_flip(clip, 0.0), clip)


def test_grey_has_the_brightness_of_the_colour() -> None:
    clip = torch.rand(3, 2, 4, 4)
    expected = 0.299 * clip[0] + 0.587 * clip[1] + 0.114 * clip[2]
    assert torch.allclose(grayscale(clip), expected.expand(3, -1, -1, -1))


def test_jitter_without_strength_changes_nothing() -> None:
    clip = torch.rand(5, 3, 2, 4, 4)
    assert torch.allclose(color_jitter(clip, 0, 0, 0, 0, probability=1.0), clip, atol=1e-4)


def test_jitter_of_brightness_contrast_and_saturation_matches_the_formulas() -> None:
    clip = torch.rand(3, 2, 4, 4, dtype=torch.float64) * 0.2 + 0.4  # far from 0 and 1: nothing is cut
    seeded = partial(torch.Generator().manual_seed, 5)
    generator = seeded()
    b, c, s = (float(0.8 + 0.4 * torch.rand((), generator=generator)) for _ in range(3))
    bright = clip * b
    contrasted = c * bright + (1 - c) * grayscale(bright).mean()
    expected = s * contrasted + (1 - s) * grayscale(contrasted)
    result = color_jitter(clip, 0.2, 0.2, 0.2, 0.0, probability=1.0, generator=seeded())
    assert torch.allclose(result, expected, atol=1e-4)


def test_hue_turns_colours_and_keeps_brightness() -> None:
    clip = torch.rand(20, 3, 1, 4, 4) * 0.2 + 0.4
    turned = color_jitter(clip, 0, 0, 0, hue=0.3, probability=1.0, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(grayscale(turned), grayscale(clip), atol=1e-3)
    assert (turned - clip).abs().amax() > 0.02


def test_blur_keeps_a_flat_clip_and_spreads_a_point_like_a_gaussian() -> None:
    assert torch.allclose(gaussian_blur(torch.full((3, 2, 9, 9), 0.3), probability=1.0), torch.tensor(0.3))
    point = torch.zeros(1, 1, 21, 21, dtype=torch.float64)
    point[..., 10, 10] = 1
    blurred = gaussian_blur(point, sigma=(1.5, 1.5), probability=1.0)[0, 0]
    distance = torch.arange(-10, 11, dtype=torch.float64)
    profile = torch.exp(-(distance**2) / (2 * 1.5**2))
    expected = torch.outer(profile, profile) / profile.sum() ** 2
    middle = slice(6, 15)  # farther out the border takes part
    assert torch.allclose(blurred[middle, middle], expected[middle, middle], rtol=0.01)


def test_normalize_inverts() -> None:
    clip = torch.rand(2, 3, 2, 4, 4)
    result = normalize(clip, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    for channel in range(3):
        restored = result[:, channel] * (0.5, 0.6, 0.7)[channel] + (0.1, 0.2, 0.3)[channel]
        assert torch.allclose(restored, clip[:, channel], atol=1e-6)


def test_resize_keeps_flat_colours_type_and_batches() -> None:
    clip = torch.full((2, 3, 4, 30, 40), 77, dtype=torch.uint8)
    result = resize(clip, (12, 16))
    assert result.shape == (2, 3, 4, 12, 16)
    assert (result == 77).all()
    assert resize(clip, (30, 40)) is clip


def test_to_float_spans_zero_to_one() -> None:
    clip = torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1)
    assert torch.allclose(to_float(clip).flatten(), torch.tensor([0.0, 0.2, 1.0]))


@pytest.mark.parametrize("crop", [center_crop, random_crop])
def test_a_crop_larger_than_the_frame_is_refused(crop) -> None:
    with pytest.raises(InputError, match="resize them first"):
        crop(torch.rand(3, 2, 8, 8), 9)


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_batch_on_the_device_is_what_clips_one_by_one_are(pipeline, device: str) -> None:
    transform = pipeline(crop=24, frame_size=(32, 40))
    clips = torch.randint(256, (5, 3, 6, 48, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    flows = torch.randint(256, (5, 2, 6, 48, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    seeds = [2**62 + 7, 3, 5, 8, 13]
    one_by_one = [
        transform({"video": clip, "flow": flow, "augmentation_seed": seed})
        for clip, flow, seed in zip(clips, flows, seeds, strict=True)
    ]
    batch = transform({"video": clips.to(device), "flow": flows.to(device), "augmentation_seed": seeds})
    for key in ("video", "flow"):
        expected = torch.stack([sample[key] for sample in one_by_one])
        torch.testing.assert_close(batch[key].cpu(), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("pipeline", [train_transform, strong_train_transform])
def test_what_is_drawn_hangs_on_the_seed_of_the_clip_alone(pipeline) -> None:
    transform = pipeline()
    torch.manual_seed(0)
    first = transform({"video": coordinate_clip(), "augmentation_seed": 5})["video"]
    torch.manual_seed(1)
    assert torch.equal(transform({"video": coordinate_clip(), "augmentation_seed": 5})["video"], first)
    assert not torch.equal(transform({"video": coordinate_clip(), "augmentation_seed": 6})["video"], first)


def test_two_clips_of_each_video_of_a_batch_have_seeds_of_their_own() -> None:
    batch = torch.stack([coordinate_clip(2), coordinate_clip(2)])
    result = train_transform()({"video": [batch, batch], "augmentation_seed": [[1, 2], [2, 3]]})["video"]
    assert torch.equal(result[0][1], result[1][0])
    assert not torch.equal(result[0][0], result[1][1])


@pytest.mark.parametrize("pipeline", [train_transform, strong_train_transform])
def test_flow_is_cropped_and_mirrored_with_its_video(pipeline) -> None:
    place = coordinate_clip(2)
    mirrored = 0
    for seed in range(20):
        # Brightness is no clue under the strong pipeline; where the darkest column lies is.
        sample = {"video": place, "flow": place[:2], "augmentation_seed": seed}
        flow = pipeline(**({"normalized": False} if pipeline is strong_train_transform else {}))(sample)["flow"] * 255
        rows, columns = flow[0, 0, :, 0], flow[1, 0, 0]
        is_mirrored = bool(columns[0] > columns[-1])
        crop = train_transform()({"video": place, "augmentation_seed": seed})["video"] * 255
        expected = crop.flip(-1) if is_mirrored else crop
        torch.testing.assert_close(columns, expected[1, 0, 0])
        torch.testing.assert_close(rows, 255 - expected[0, 0, :, 0] if is_mirrored else expected[0, 0, :, 0])
        mirrored += is_mirrored
    assert mirrored == 0 if pipeline is train_transform else 4 < mirrored < 16


def test_a_generator_for_each_clip_of_a_batch_and_no_other_number() -> None:
    generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    with pytest.raises(InputError, match="3 generators cannot serve clips of shape"):
        random_crop(torch.zeros(2, 3, 4, 8, 8), 4, generators)
