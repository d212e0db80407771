"""All of ``pytorchvideo.transforms`` on the installed torch and torchvision."""

from __future__ import annotations

import pytest
import torch

import iic_ptv  # noqa: F401  (first: it repairs what follows)

transforms = pytest.importorskip("pytorchvideo.transforms")
from pytorchvideo.transforms import functional  # noqa: E402
from pytorchvideo.transforms.augmentations import _NAME_TO_TRANSFORM_FUNC, AugmentTransform  # noqa: E402
from pytorchvideo.transforms.transforms_factory import create_video_transform  # noqa: E402

CLIP = torch.rand(3, 8, 20, 24, generator=torch.Generator().manual_seed(0))
BYTES = (CLIP * 255).byte()
FRAMES = CLIP.transpose(0, 1)  # (T, C, H, W), as the augmentations take clips
HALF, HALF_BYTES = {"fill": (0.5,) * 3}, {"fill": (128,) * 3}


@pytest.mark.parametrize("magnitude", [1, 10])
@pytest.mark.parametrize("name", _NAME_TO_TRANSFORM_FUNC)
def test_every_augmentation_takes_floats_and_bytes(name: str, magnitude: int) -> None:
    for frames, fill in ((FRAMES, HALF), (BYTES.transpose(0, 1), HALF_BYTES)):
        exact = {"sampling_std": 0.0}  # of the magnitude
        out = AugmentTransform(name, magnitude, prob=1.0, transform_hparas=fill, sampling_hparas=exact)(frames)
        assert out.shape == frames.shape
        assert out.dtype == frames.dtype
        if name not in ("Posterize", "Solarize") or magnitude == 10:
            assert (out != frames).any()


@pytest.mark.parametrize("sampling", ["gaussian", "uniform"])
def test_rand_augment_and_aug_mix(sampling: str) -> None:
    torch.manual_seed(0)
    augmented = transforms.RandAugment(prob=1.0, num_layers=3, sampling_type=sampling)(FRAMES)
    mixed = transforms.AugMix(magnitude=3)(FRAMES)
    for out in (augmented, mixed):
        assert out.shape == FRAMES.shape
        assert (out != FRAMES).any()


def test_a_shift_moves_whole_pixels() -> None:
    shift = AugmentTransform(
        *("TranslateX", 10, 1.0),
        transform_max_paras={"TranslateX": (0, 0.25)},
        transform_hparas=HALF,
        sampling_hparas={"sampling_std": 0.0},
    )
    out = shift(FRAMES)
    shifts = (FRAMES[..., 6:], out[..., :-6]), (FRAMES[..., :-6], out[..., 6:])  # 6 = 24 / 4, to either side
    assert any(inside.allclose(moved, atol=1e-5) for inside, moved in shifts)


@pytest.mark.parametrize("mix", [transforms.MixUp, transforms.CutMix, transforms.MixVideo])
def test_mixing_keeps_shapes_and_the_mass_of_labels(mix: type) -> None:
    torch.manual_seed(0)
    clips, labels = mix(num_classes=5)(torch.rand(4, 3, 4, 8, 8), torch.arange(4))
    assert clips.shape == (4, 3, 4, 8, 8)
    assert labels.sum(dim=1).allclose(torch.ones(4))


@pytest.mark.parametrize(
    ("transform", "clip", "shape"),
    [
        (transforms.UniformTemporalSubsample(4), CLIP, (3, 4, 20, 24)),
        (transforms.ShortSideScale(10), CLIP, (3, 8, 10, 12)),
        (transforms.ShortSideScale(10, backend="opencv"), CLIP, (3, 8, 10, 12)),
        (transforms.RandomShortSideScale(10, 10), CLIP, (3, 8, 10, 12)),
        (transforms.Div255(), CLIP, CLIP.shape),
        (transforms.ConvertUint8ToFloat(), BYTES, CLIP.shape),
        (transforms.ConvertFloatToUint8(), CLIP, CLIP.shape),
        (transforms.Normalize((0.5,) * 3, (0.5,) * 3), CLIP, CLIP.shape),
        (transforms.Permute((1, 0, 2, 3)), CLIP, (8, 3, 20, 24)),
        (transforms.MoveChannelRear(), CLIP, (8, 20, 24, 3)),
        (transforms.MoveChannelFront(), CLIP.permute(1, 2, 3, 0), CLIP.shape),
        (transforms.RandomResizedCrop(9, 7, (0.5, 1.0), (0.7, 1.3)), CLIP, (3, 8, 9, 7)),
        (transforms.OpSampler([transforms.Div255()]), CLIP, CLIP.shape),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, torch.nn.Module) else "",
)
def test_every_module_can_be_called(transform, clip: torch.Tensor, shape: tuple[int, ...]) -> None:
    assert transform(clip).shape == shape


def test_channels_are_moved_and_moved_back() -> None:
    rear = transforms.MoveChannelRear()(CLIP)
    assert rear.equal(CLIP.permute(1, 2, 3, 0))
    assert transforms.MoveChannelFront()(rear).equal(CLIP)


def test_pathways_and_crops_of_samples() -> None:
    slow, fast = transforms.UniformTemporalSubsampleRepeated((4, 1))(CLIP)
    assert (slow.shape[1], fast.shape[1]) == (2, 8)
    sample = transforms.UniformCropVideo(20)({"video": CLIP, "aug_index": 0})
    assert sample["video"].equal(CLIP[..., :20])


def test_boxes_follow_their_clip() -> None:
    boxes = torch.tensor([[2.0, 2.0, 10.0, 18.0]])
    scaled, half = functional.short_side_scale_with_boxes(CLIP, boxes.clone(), 10)
    assert scaled.shape == (3, 8, 10, 12)
    assert half.tolist() == [[1.0, 1.0, 5.0, 9.0]]
    flipped, mirrored = functional.horizontal_flip_with_boxes(1.0, CLIP, boxes)
    assert flipped.equal(CLIP.flip(-1))
    assert mirrored.tolist() == [[13.0, 2.0, 21.0, 18.0]]
    cropped, inside = functional.uniform_crop_with_boxes(CLIP, 10, 0, boxes)
    assert cropped.shape[-2:] == (10, 10)
    assert inside.tolist() == [[2.0, 0.0, 9.0, 9.0]]


@pytest.mark.parametrize(
    ("mode", "options"),
    [("val", {}), *(("train", {"aug_type": name}) for name in ("default", "randaug", "augmix"))],
    ids=["val", "default", "randaug", "augmix"],
)
def test_the_factory(mode: str, options: dict) -> None:
    transform = create_video_transform(mode, num_samples=4, min_size=18, max_size=20, crop_size=16, **options)
    assert transform(BYTES).shape == (3, 4, 16, 16)
