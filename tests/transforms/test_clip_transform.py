"""Clips of a whole video: those that the evaluation takes, whatever decoded it."""

from pathlib import Path

import av
import pytest
import torch

from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.clips import EvaluationClipDataset
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.procedural import write_videos
from iic_ptv.errors import InputError
from iic_ptv.transforms import ClipTransform, evaluation_transform, normalize
from iic_ptv.transforms.sampling import uniform_starts

FRAMES = 24


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """A video in colours."""
    folder = write_videos(
        tmp_path_factory.mktemp("video") / "collection",
        motions=("bounce",),
        train_per_class=1,
        test_per_class=0,
        num_frames=FRAMES,
        size=40,
        progress=False,
    )
    return next(folder.rglob("*.mp4"))


def decoded(path: Path) -> torch.Tensor:
    """A video as a user of PyAV has it, ``(3, T, H, W)``."""
    frames = [torch.from_numpy(frame.to_ndarray(format="rgb24")) for frame in av.open(str(path)).decode(video=0)]
    return torch.stack(frames).permute(3, 0, 1, 2)


def numbered(num_frames: int) -> torch.Tensor:
    """A video whose frame f has the brightness f."""
    return torch.arange(num_frames, dtype=torch.uint8)[None, :, None, None].expand(3, -1, 4, 6)


def numbers(clips: torch.Tensor) -> list[list[int]]:
    return (clips[:, 0, :, 0, 0] * 255).round().int().tolist()


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize(("length", "stride", "num_clips"), [(4, 2, 5), (16, 2, 3), (4, 1, 1)])
def test_it_gives_what_the_evaluation_gives_of_a_file(path, normalized, length, stride, num_clips) -> None:
    options = {"frame_size": (20, 24), "crop": 16, "normalized": normalized}
    dataset = EvaluationClipDataset(
        VideoIndex.from_labeled_video_paths([(str(path), {})]),
        ClipReader(clip_length=length, stride=stride),
        evaluation_transform(**options),
        num_clips=num_clips,
    )
    clips = ClipTransform(length, stride, num_clips=num_clips, **options)(decoded(path))
    assert clips.shape == (num_clips, 3, length, 16, 16)
    assert clips.is_contiguous()
    assert torch.equal(clips, dataset[0]["video"])


def test_clips_start_where_the_protocol_has_them() -> None:
    clips = ClipTransform(length=4, stride=2, frame_size=(4, 6), crop=4, num_clips=3)(numbered(20))
    starts = uniform_starts(20, 4, 2, 3)
    assert starts == [0, 6, 13]
    assert numbers(clips) == [[start + 2 * number for number in range(4)] for start in starts]


def test_a_short_video_starts_again() -> None:
    clips = ClipTransform(length=5, frame_size=(4, 6), crop=4, num_clips=2)(numbered(3))
    assert numbers(clips) == [[0, 1, 2, 0, 1]] * 2


def test_a_video_is_brought_to_another_frame_rate() -> None:
    transform = ClipTransform(length=3, frame_size=(4, 6), crop=4, frame_rate=10.0, num_clips=1)
    assert numbers(transform(numbered(20), frame_rate=25.0)) == [[0, 2, 5]]
    with pytest.raises(InputError, match=r"10 frames per second.*frame_rate="):
        transform(numbered(20))


def test_bytes_and_floats_give_the_same_up_to_rounding(path) -> None:
    video = decoded(path)
    transform = ClipTransform(length=4, frame_size=(20, 24), crop=16, num_clips=2)
    torch.testing.assert_close(transform(video / 255), transform(video), rtol=0, atol=1 / 255)


def test_normalised_clips_are_the_others_normalised(path) -> None:
    video = decoded(path)
    plain, normalized = (ClipTransform(4, 1, (20, 24), 16, each, num_clips=2)(video) for each in (False, True))
    assert plain.min() >= 0
    assert plain.max() <= 1
    torch.testing.assert_close(normalized, normalize(plain))


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (torch.zeros(20, 32, 32, 3, dtype=torch.uint8), r"permute\(3, 0, 1, 2\)"),
        (torch.zeros(3, 0, 32, 32), "at least one frame"),
        (torch.zeros(1, 3, 20, 32, 32), "expected an RGB video"),
        (torch.zeros(3, 20, 32, 32, dtype=torch.int64), "got torch.int64"),
        (torch.full((3, 20, 32, 32), 255.0), "got 255 to 255; pass bytes as uint8"),
        (torch.full((3, 20, 32, 32), -0.5), r"in \[0, 1\]"),
    ],
)
def test_what_is_no_video_is_refused(video, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ClipTransform()(video)


def test_numbers_are_checked() -> None:
    with pytest.raises(InputError, match="number of clips must be at least 1"):
        ClipTransform(num_clips=0)
