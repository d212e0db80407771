"""PyTorchVideo's decoders, data sets and clip samplers on the installed PyAV, decord and torchvision."""

from __future__ import annotations

import importlib
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from numbered_videos import number_bars, read_numbers, write_numbered_video
from PIL import Image
from torch.utils.data import DataLoader, SequentialSampler

import iic_ptv  # noqa: F401  (first: it repairs what follows)

data = pytest.importorskip("pytorchvideo.data")
from pytorchvideo.data.encoded_video import EncodedVideo  # noqa: E402
from pytorchvideo.data.frame_video import FrameVideo  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:decoder='torchvision'")
DECODERS = ["pyav", "decord", "torchvision"]


@pytest.fixture(scope="module")
def with_sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of 25 numbered frames and a tone."""
    path = tmp_path_factory.mktemp("sound") / "tone.mp4"
    rate = 16000
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=25)
        video.height, video.width, video.pix_fmt = 32, 64, "yuv420p"
        sound: Any = container.add_stream("aac", rate=rate)
        frames = [av.VideoFrame.from_ndarray(number_bars(number, 32, 64), format="rgb24") for number in range(25)]
        tone = np.sin(2 * np.pi * 440 * np.arange(rate, dtype=np.float32) / rate)
        blocks = [
            av.AudioFrame.from_ndarray(tone[None, at : at + 1024], format="fltp", layout="mono")
            for at in range(0, rate, 1024)
        ]
        for number, block in enumerate(blocks):
            block.rate, block.pts = rate, 1024 * number
        for stream, pieces in ((video, frames), (sound, blocks)):
            for piece in [*pieces, None]:
                container.mux(stream.encode(piece))
    return path


@pytest.fixture(scope="module")
def frame_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames") / "video"
    folder.mkdir()
    for number in range(12):
        Image.fromarray(number_bars(number, 32, 64)).save(folder / f"{number:05}.png")
    return folder


@pytest.mark.parametrize("decode_audio", [False, True], ids=["silent", "with sound"])
@pytest.mark.parametrize("decoder", DECODERS)
def test_every_decoder_gives_the_frames_that_were_asked_for(with_sound: Path, decoder: str, decode_audio: bool) -> None:
    video = EncodedVideo.from_path(str(with_sound), decode_audio=decode_audio, decoder=decoder)
    clip = video.get_clip(0.2, 0.6)
    assert float(video.duration) == pytest.approx(1.0, abs=0.1)
    assert clip["video"].dtype == torch.float32
    assert read_numbers(clip["video"]) == list(range(5, 15))
    if decode_audio:
        rate = 44100 if decoder == "decord" else 16000  # decord resamples
        samples = clip["audio"]
        assert samples.ndim == 1
        assert samples.abs().max() > 0.5
        assert samples.numpy().size / rate == pytest.approx(0.4, abs=0.1)
        loudest = np.abs(np.fft.rfft(samples.numpy())).argmax() * rate / samples.numel()
        assert loudest == pytest.approx(440, abs=5)
    else:
        assert clip["audio"] is None
    video.close()


def test_that_pyav_stands_in_for_torchvision_is_told() -> None:
    name = "pytorchvideo.data.encoded_video_torchvision"
    sys.modules.pop(name, None)
    with pytest.warns(UserWarning, match="PyAV does it instead"):
        importlib.import_module(name)


def test_a_folder_of_frames(frame_folder: Path) -> None:
    clip = FrameVideo.from_directory(str(frame_folder), fps=10).get_clip(0.3, 0.7)
    assert read_numbers(clip["video"]) == [3, 4, 5, 6]


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("constructor", ["Kinetics", "Ucf101"])
def test_folders_of_classes(video_folder: Path, constructor: str, decoder: str) -> None:
    sampler = data.make_clip_sampler("uniform", Fraction(1, 5))
    dataset = getattr(data, constructor)(
        str(video_folder), sampler, video_sampler=SequentialSampler, decode_audio=False, decoder=decoder
    )
    samples = list(dataset)
    assert len(samples) == 9 * 4
    assert [sample["label"] for sample in samples] == [label for label in range(3) for _ in range(12)]
    assert [read_numbers(sample["video"])[0] % 256 for sample in samples] == [5 * clip % 256 for clip in range(36)]


def test_a_csv_file(video_folder: Path, tmp_path: Path) -> None:
    paths = sorted(video_folder.rglob("*.mp4"))
    (tmp_path / "list.csv").write_text("".join(f"{path} {number}\n" for number, path in enumerate(paths)))
    dataset = data.Kinetics(str(tmp_path / "list.csv"), data.make_clip_sampler("random", 0.4), decode_audio=False)
    assert sorted(sample["label"] for sample in dataset) == list(range(9))


def test_hmdb51(tmp_path: Path) -> None:
    lists = tmp_path / "splits"
    lists.mkdir()
    for name in ("run", "walk"):
        videos = [f"{name}_{number}_run_f_cm_np1_fr_med_{number}.avi" for number in range(2)]
        for video in videos:
            write_numbered_video(tmp_path / "videos" / name / video, 10, codec="mpeg4")
        (lists / f"{name}_test_split1.txt").write_text("".join(f"{video} 1 \n" for video in videos))
    sampler = data.make_clip_sampler("random", 0.2)
    dataset = data.Hmdb51(str(lists), sampler, video_path_prefix=str(tmp_path / "videos"), decode_audio=False)
    assert len(list(dataset)) == 4


def test_charades(frame_folder: Path, tmp_path: Path) -> None:
    rows = [f"{frame_folder} 1 {number} {frame_folder / f'{number:05}.png'} 0,{number}" for number in range(12)]
    (tmp_path / "list.csv").write_text("\n".join(["original_vido_id video_id frame_id path labels", *rows]))
    dataset = data.Charades(str(tmp_path / "list.csv"), data.make_clip_sampler("uniform", 0.2))
    sample = next(iter(dataset))  # at 30 frames per second
    assert read_numbers(sample["video"]) == list(range(len(sample["label"])))
    assert sample["label"] == [[0, number] if number else [0, 0] for number in range(len(sample["label"]))]


@pytest.mark.parametrize(
    ("sampler", "clips"),
    [
        (("uniform", Fraction(1, 5)), 4),
        (("random", 0.2), 1),
        (("constant_clips_per_video", 0.2, 3), 3),
        (("constant_clips_per_video", 0.2, 2, 2), 4),
        (("random_multi", 0.2, 2), 1),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_clip_samplers(video_folder: Path, sampler: tuple, clips: int) -> None:
    dataset = data.Kinetics(str(video_folder), data.make_clip_sampler(*sampler), decode_audio=False)
    assert len(list(dataset)) == 9 * clips


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_lists_of_clips(video_folder: Path, workers: int) -> None:
    from pytorchvideo.transforms import RemoveKey

    dataset = data.Kinetics(
        str(video_folder), data.make_clip_sampler("random_multi", 0.2, 2), transform=RemoveKey("audio"),
        decode_audio=False,
    )  # fmt: skip
    batches = list(DataLoader(dataset, batch_size=3, num_workers=workers))
    assert sorted(index for batch in batches for index in batch["video_index"].tolist()) == list(range(9))
    assert all(len(batch["video"]) == 2 for batch in batches)
