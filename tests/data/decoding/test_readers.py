"""All decoders return exactly the frames that were asked for, and one kind of error."""

from pathlib import Path

import pytest
import torch
from decoders import FILE_DECODERS, HAS_TORCHCODEC
from numbered_videos import copy_packets, read_numbers, write_audio, write_numbered_video

from iic_ptv.data.decoding import VideoError, open_video
from iic_ptv.errors import InputError

NUM_FRAMES = 60
FORMATS = {
    "long_gop.mp4": {"gop": 250},
    "short_gop.mp4": {"gop": 5},
    "all_keyframes.mp4": {"gop": 1, "b_frames": 0},
    "mpeg4.avi": {"codec": "mpeg4", "b_frames": 0},
    "matroska.mkv": {},
    "fragmented.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "odd_size.mp4": {"size": (38, 74)},
    "variable_rate.mp4": {"durations": [40, 10, 80, 30]},
}
ASKED = {
    "all": list(range(NUM_FRAMES)),
    "begin": list(range(8)),
    "middle": list(range(27, 35)),
    "end": list(range(NUM_FRAMES - 8, NUM_FRAMES)),
    "backwards": [50, 30, 31, 3],
    "repeated": [7, 7, 8, 7, 40, 40],
    "spread": [0, 19, 39, 59],
    "one": [33],
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("formats")
    return {name: write_numbered_video(root / name, NUM_FRAMES, **options) for name, options in FORMATS.items()}


@pytest.fixture(scope="module")
def original(videos: dict[str, Path]) -> Path:
    return videos["long_gop.mp4"].with_name("short_gop.mp4")


@pytest.mark.parametrize("decoder", FILE_DECODERS)
@pytest.mark.parametrize("name", FORMATS)
def test_frames_are_exactly_those_asked_for(videos: dict[str, Path], name: str, decoder: str) -> None:
    with open_video(str(videos[name]), decoder) as video:
        assert video.num_frames == NUM_FRAMES
        assert video.frame_rate == pytest.approx(25, rel=0.05)
        for asked in ASKED.values():
            assert read_numbers(video.frames(asked)) == asked
    for asked in ASKED.values():
        with open_video(str(videos[name]), decoder) as video:
            assert read_numbers(video.frames(asked)) == asked


@pytest.mark.parametrize("decoder", FILE_DECODERS)
def test_frames_are_uint8_clips(videos: dict[str, Path], decoder: str) -> None:
    with open_video(str(videos["odd_size.mp4"]), decoder) as video:
        clip = video.frames([4, 5, 6])
    assert clip.shape == (3, 3, 38, 74)
    assert clip.dtype == torch.uint8
    assert clip.is_contiguous()


@pytest.mark.parametrize("decoder", FILE_DECODERS)
@pytest.mark.parametrize("size", [(16, 40), (64, 96), (21, 50)])
def test_frames_are_scaled(videos: dict[str, Path], decoder: str, size: tuple[int, int]) -> None:
    with open_video(str(videos["short_gop.mp4"]), decoder) as video:
        scaled = video.frames([10, 30], size)
        assert scaled.shape == (3, 2, *size)
        assert read_numbers(scaled) == [10, 30]
        assert video.frames([10]).shape == (3, 1, 32, 64), "the size of one request must not stick"


@pytest.mark.parametrize("decoder", FILE_DECODERS)
@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_frames_are_turned_upright(tmp_path: Path, decoder: str, rotation: int) -> None:
    lying = write_numbered_video(tmp_path / "lying.mp4", 4, first=5, size=(32, 96), rotation=rotation)
    quarter_turns = rotation // 90
    for size in (None, (96, 32) if quarter_turns % 2 else (32, 96)):
        with open_video(str(lying), decoder) as video:
            upright = video.frames([0, 1, 2, 3], size)
        assert upright.shape == ((3, 4, 96, 32) if quarter_turns % 2 else (3, 4, 32, 96))
        assert read_numbers(upright.rot90(-quarter_turns, dims=(2, 3))) == [5, 6, 7, 8]


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_avi_with_b_frames(tmp_path: Path, decoder: str, codec: str) -> None:
    path = write_numbered_video(tmp_path / "b_frames.avi", NUM_FRAMES, codec=codec, b_frames=2)
    for asked in ASKED.values():
        with open_video(str(path), decoder) as video:
            assert read_numbers(video.frames(asked)) == asked


@pytest.mark.parametrize(("name", "options"), [("live.mkv", {"live": "1"}), ("raw.h264", {})])
def test_no_declared_length(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    path = write_numbered_video(tmp_path / name, NUM_FRAMES, container_options=options)
    with open_video(str(path)) as video:
        assert video.num_frames == NUM_FRAMES
        for asked in ASKED.values():
            assert read_numbers(video.frames(asked)) == asked


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
@pytest.mark.parametrize("first", [2, 13, 15])  # 15 is a keyframe
def test_edit_list_cuts_frames_away(tmp_path: Path, original: Path, decoder: str, first: int) -> None:
    cut = copy_packets(original, tmp_path / "cut.mp4", shift=-first)
    with open_video(str(cut), decoder) as video:
        assert video.num_frames == NUM_FRAMES - first
        assert read_numbers(video.frames(range(video.num_frames))) == list(range(first, NUM_FRAMES))
        assert read_numbers(video.frames([40, 2])) == [40 + first, 2 + first]


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
def test_video_that_begins_without_a_keyframe(tmp_path: Path, original: Path, decoder: str) -> None:
    headless = copy_packets(original, tmp_path / "headless.mp4", drop_first=2)
    with open_video(str(headless), decoder) as video:
        numbers = read_numbers(video.frames(range(video.num_frames)))
        assert numbers == list(range(numbers[0], NUM_FRAMES))
        assert 0 < numbers[0] <= 5, "up to the next keyframe"


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
def test_times_that_are_all_zero(tmp_path: Path, videos: dict[str, Path], decoder: str) -> None:
    source = write_numbered_video(tmp_path / "source.mp4", NUM_FRAMES, b_frames=0)
    frozen = copy_packets(source, tmp_path / "frozen.mp4", freeze_time=True)
    with open_video(str(frozen), decoder) as video:
        for asked in ASKED.values():
            assert read_numbers(video.frames(asked)) == asked


def test_decord_refuses_what_it_would_get_wrong(tmp_path: Path, original: Path) -> None:
    b_frames = write_numbered_video(tmp_path / "b_frames.avi", codec="mpeg4", b_frames=2)
    with pytest.raises(VideoError, match="pyav"):
        open_video(str(b_frames), "decord")
    cut = copy_packets(original, tmp_path / "cut.mp4", shift=-13)
    with open_video(str(cut), "decord") as video, pytest.raises(VideoError, match="FFmpeg 47"):
        video.frames([0])
    with open_video(str(original), "decord") as video, pytest.raises(VideoError, match="width 72"):
        video.frames([0], size=(32, 72))


def test_decord_under_pytorchvideos_bridge(original: Path) -> None:
    import decord

    with decord.bridge.use_torch(), open_video(str(original), "decord") as video:
        assert read_numbers(video.frames([5, 25])) == [5, 25]


@pytest.mark.parametrize("decoder", FILE_DECODERS)
@pytest.mark.parametrize("fault", ["text", "empty", "truncated", "truncated_streamable", "sound", "missing", "folder"])
def test_unreadable_files_raise_one_kind_of_error(
    bad_files: dict[str, Path], fault: str, decoder: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(VideoError) as caught, open_video(str(bad_files[fault]), decoder) as video:
        video.frames(range(video.num_frames))
    assert caught.value.path == str(bad_files[fault])
    assert str(bad_files[fault]) in str(caught.value)
    assert len(caught.value.reason.splitlines()) == 1
    assert capfd.readouterr().err == ""


def test_reasons_tell_what_is_wrong(bad_files: dict[str, Path]) -> None:
    def reason(fault: str) -> str:
        with pytest.raises(VideoError) as caught:
            open_video(str(bad_files[fault]))
        return caught.value.reason

    assert "empty" in reason("empty")
    assert "no video stream" in reason("sound")
    assert "No such file" in reason("missing")
    assert "not a video" in reason("text")


def test_the_cover_of_a_piece_of_music_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no video stream"):
        open_video(str(write_audio(tmp_path / "music.mp3", cover=True)))


@pytest.mark.parametrize("decoder", FILE_DECODERS)
def test_damaged_stream_is_an_error_or_frames_but_nothing_else(tmp_path: Path, original: Path, decoder: str) -> None:
    content = bytearray(original.read_bytes())
    media = content.index(b"mdat")
    content[media + 1200 : media + 1900] = bytes(255 - byte for byte in content[media + 1200 : media + 1900])
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(content)
    with pytest.raises(VideoError), open_video(str(damaged), decoder) as video:
        video.frames(range(NUM_FRAMES))


@pytest.mark.parametrize("decoder", FILE_DECODERS)
@pytest.mark.parametrize("asked", [[NUM_FRAMES], [-1], []])
def test_frame_numbers_out_of_range(original: Path, decoder: str, asked: list[int]) -> None:
    with open_video(str(original), decoder) as video, pytest.raises(IndexError, match=r"0\.\.59"):
        video.frames(asked)


def test_unknown_decoder() -> None:
    with pytest.raises(InputError, match="auto, pyav, decord, torchcodec, frames"):
        open_video("video.mp4", "opencv")


@pytest.mark.skipif(HAS_TORCHCODEC, reason="it is installed")
def test_decoder_that_is_not_installed(original: Path) -> None:
    with pytest.raises(InputError, match="pip install torchcodec"):
        open_video(str(original), "torchcodec")


@pytest.mark.parametrize("decoder", FILE_DECODERS)
def test_short_video(tmp_path: Path, decoder: str) -> None:
    path = write_numbered_video(tmp_path / "short.mp4", 3)
    with open_video(str(path), decoder) as video:
        assert read_numbers(video.frames([0, 1, 2, 0, 1])) == [0, 1, 2, 0, 1]


def test_video_errors_survive_worker_processes() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(VideoError("it is empty", "clip.mp4")))
    assert (error.path, error.reason, str(error)) == ("clip.mp4", "it is empty", "clip.mp4: it is empty")
