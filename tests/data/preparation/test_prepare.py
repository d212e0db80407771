"""Prepared collections: the same frames under the same numbers and keys, whole or not there, made once."""

import os
import shutil
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest
from commands import Command
from numbered_videos import copy_packets, cut_off, number_bars, read_numbers, write_audio, write_numbered_video
from PIL import Image

from iic_ptv.data.collections import any_folder, ucf101_lists
from iic_ptv.data.decoding import describe_video, open_video
from iic_ptv.data.preparation.manifest import read_manifest
from iic_ptv.data.preparation.prepare import Prepared, prepare_collection, target_names
from iic_ptv.data.preparation.transcode import Encoding
from iic_ptv.errors import InputError


def prepare(root: Path, output: Path, **encoding) -> Prepared:
    return prepare_collection(any_folder(root), root, output, Encoding(**encoding), num_workers=2)


def numbers_of(file: Path) -> list[int]:
    with open_video(str(file)) as video:
        return read_numbers(video.frames(range(video.num_frames)))


def write_uneven_video(path: Path, num_frames: int) -> Path:
    """Frames are shown for 1, 2, 3, 1, 2, 3, ... hundredths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=100)
        stream.height, stream.width, stream.pix_fmt = 32, 64, "yuv420p"
        time = 0
        for number in range(num_frames):
            frame = av.VideoFrame.from_ndarray(number_bars(number, 32, 64), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 100)
            time += 1 + number % 3
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_frames(folder: Path, num_frames: int) -> None:
    folder.mkdir()
    for number in range(num_frames):
        Image.fromarray(number_bars(number, 33, 65)).save(folder / f"frame{number + 1:06}.jpg", quality=95)


def add_sound(source: Path, sound: Path, target: Path) -> None:
    with av.open(str(source)) as pictures, av.open(str(sound)) as audio, av.open(str(target), "w") as container:
        streams = [pictures.streams.video[0], audio.streams.audio[0]]
        twins = [container.add_stream_from_template(stream) for stream in streams]
        for original, stream, twin in zip((pictures, audio), streams, twins, strict=True):
            for packet in original.demux(stream):
                if packet.size:
                    packet.stream = twin
                    container.mux(packet)


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> Path:
    """Every kind of video that numbers its frames differently, or that is to be changed."""
    root = tmp_path_factory.mktemp("originals")
    plain = write_numbered_video(root / "plain.mp4", 40, gop=15)
    write_numbered_video(root / "long.mkv", 60, gop=250, b_frames=0)
    write_numbered_video(root / "mpeg4.avi", 30, codec="mpeg4", b_frames=2)
    write_numbered_video(root / "upside_down.mp4", 12, rotation=180)
    write_numbered_video(root / "one.mp4", 1)
    copy_packets(plain, root / "begins_late.mp4", shift=-5)
    copy_packets(plain, root / "without_keyframe.mkv", drop_first=1)
    copy_packets(plain, root / "frozen.mkv", freeze_time=True)
    write_uneven_video(root / "uneven.mp4", 25)
    write_frames(root / "frames", 21)
    add_sound(plain, write_audio(root.parent / f"{root.name}.mp4"), root / "sound.mp4")
    return root


@pytest.fixture(scope="module")
def prepared(originals, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("prepared")
    result = prepare(originals, output)
    assert {row.path: row.error for row in result.rows if row.error} == {}
    return output


NAMES = (
    *("plain.mp4", "long.mkv", "mpeg4.avi", "upside_down.mp4", "one.mp4", "begins_late.mp4"),
    *("without_keyframe.mkv", "frozen.mkv", "uneven.mp4", "frames", "sound.mp4"),
)


@pytest.mark.parametrize("name", NAMES)
def test_frame_k_stays_frame_k_and_is_near_a_keyframe(originals, prepared, name) -> None:
    target = prepared / f"{Path(name).stem}.mp4"
    assert numbers_of(target) == numbers_of(originals / name)
    before, after = describe_video(str(originals / name)), describe_video(str(target))
    assert (after.codec, after.gop) == ("h264", min(8, before.num_frames))
    assert (after.height, after.width) == (before.height // 2 * 2, before.width // 2 * 2)
    if before.frame_rate:
        assert after.frame_rate == pytest.approx(before.frame_rate, rel=1e-3)
    with av.open(str(target)) as container:
        (stream,) = container.streams  # sound is gone
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert not stream.codec_context.has_b_frames
        assert next(container.decode(stream)).rotation == 0


def test_rows_tell_of_the_source_and_of_what_was_made(originals, prepared) -> None:
    rows = read_manifest(prepared / "preparation.csv").rows
    assert rows.keys() == set(NAMES)
    assert all(row.is_of(originals / path) for path, row in rows.items())
    row = rows["frames"]
    assert (row.num_frames, row.height, row.width, row.codec, row.gop) == (21, 32, 64, "h264", 8)


def test_videos_keep_their_keys(originals, prepared) -> None:
    assert sorted(any_folder(prepared).keys) == sorted(any_folder(originals).keys)


@pytest.mark.parametrize(
    ("encoding", "size", "expected"),
    [
        ({}, (240, 320), (128, 170)),
        ({}, (1920, 1080), (228, 128)),
        ({}, (101, 77), (100, 76)),
        ({"upscale": True}, (60, 80), (128, 170)),
        ({"short_side": 0}, (1081, 721), (1080, 720)),
        ({"short_side": 1}, (3, 4), (2, 2)),
    ],
)
def test_sizes(encoding, size, expected) -> None:
    assert Encoding(**encoding).size(*size) == expected


def test_what_is_done_is_not_done_again(video_folder, tmp_path) -> None:
    root, output = tmp_path / "videos", tmp_path / "prepared"
    shutil.copytree(video_folder, root)
    first = prepare(root, output)
    assert (len(first.rows), first.num_kept) == (9, 0)
    files = sorted(output.rglob("*.mp4"))
    times = {file: file.stat().st_mtime_ns for file in files}
    assert prepare(root, output) == first._replace(num_kept=9)
    assert {file: file.stat().st_mtime_ns for file in files} == times

    files[0].unlink()  # lost
    replaced = root / files[1].relative_to(output)
    write_numbered_video(replaced, 7)  # changed
    (root / files[2].relative_to(output)).write_text("broken")
    again = prepare(root, output)
    assert again.num_kept == 6
    assert len(numbers_of(files[1])) == 7
    assert not files[2].exists()  # rather than one of a video that is no more
    assert [path for path, time in times.items() if path.exists() and path.stat().st_mtime_ns == time] == files[3:]


def test_bad_videos_are_left_out_and_named(mixed_folder, tmp_path) -> None:
    result = prepare(mixed_folder, tmp_path / "prepared")
    assert sorted(file.name for file in (tmp_path / "prepared").rglob("*.mp4")) == ["a_good.mp4", "z_good.mp4"]
    errors = {row.path: row.error for row in result.rows if row.error}
    assert errors.keys() == {f"class/{fault}.mp4" for fault in ("empty", "sound", "text", "truncated")}
    assert errors["class/empty.mp4"] == "the file is empty"
    assert result.bytes_before == sum((mixed_folder / f"class/{name}_good.mp4").stat().st_size for name in "az")


def test_what_is_left_of_a_file_that_was_cut_off_is_not_taken_for_the_whole(tmp_path) -> None:
    whole = write_numbered_video(tmp_path / "whole.mkv", 40)
    (tmp_path / "videos").mkdir()
    cut_off(whole, tmp_path / "videos/cut.mkv")
    (row,) = prepare(tmp_path / "videos", tmp_path / "prepared").rows
    assert row.error.startswith("it is cut off: ")


def test_lists_are_copied_and_still_find_the_videos(tmp_path) -> None:
    root, output = tmp_path / "videos", tmp_path / "prepared"
    for name in ("Jump", "Run"):
        write_numbered_video(root / f"{name}/v_{name}_g01_c01.avi", 5, codec="mpeg4", b_frames=0)
    (root / "splits").mkdir()
    (root / "splits/classInd.txt").write_text("1 Jump\n2 Run\n")
    (root / "gone.txt").symlink_to("nowhere.txt")
    (root / "splits/trainlist01.txt").write_text("Run/v_Run_g01_c01.avi 2\nJump/v_Jump_g01_c01.avi 1\n")
    prepare(root, output)
    lists = {"lists": "splits/trainlist01.txt"}
    before, after = ucf101_lists(root, **lists), ucf101_lists(output, **lists)
    assert (before.keys, before.labels.tolist()) == (after.keys, after.labels.tolist())
    assert all(path.endswith(".mp4") for path in after.paths)


def test_names_that_differ_in_the_extension_alone_stay_apart() -> None:
    names = ["a/x.avi", "a/x.mp4", "b/x.avi", "a/x.avi.mkv", "a/x.1", "a/x"]
    targets = target_names(names)
    assert targets == ["a/x.avi.mp4", "a/x.mp4.mp4", "b/x.mp4", "a/x.avi.mkv.mp4", "a/x.1.mp4", "a/x.mp4"]


def test_a_folder_of_something_else_is_left_alone(video_folder, tmp_path) -> None:
    output = tmp_path / "prepared"
    prepare(video_folder, output)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").touch()
    for target, message in (
        (output, r"other options \(gop 8, not 4; crf 20, not 30\)"),
        (tmp_path / "other", "is not empty"),
        (tmp_path / "other/file", "this is a file"),
        (video_folder / "prepared", "must lie apart"),
        (video_folder, "must lie apart"),
        (video_folder.parent, "must lie apart"),
    ):
        with pytest.raises(InputError, match=message):
            prepare(video_folder, target, gop=4, crf=30)
    assert not (video_folder / "prepared").exists()
    for wrong in ({"short_side": -1}, {"gop": 0}, {"crf": 52}):
        with pytest.raises(InputError, match="must be from"):
            Encoding(**wrong)


@pytest.mark.slow
def test_a_killed_run_leaves_no_half_file_and_is_completed(video_folder, tmp_path) -> None:
    output = tmp_path / "prepared"
    command = [sys.executable, "-m", "iic_ptv", "prepare", str(video_folder), str(output), "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    while not list(output.rglob("*.mp4")):
        assert process.poll() is None, process.stdout.read()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert all(numbers_of(file) for file in output.rglob("[!.]*.mp4"))
    assert prepare(video_folder, output).rows == prepare(video_folder, tmp_path / "at_once").rows
    assert any_folder(output).keys == any_folder(video_folder).keys


@pytest.mark.slow
def test_ctrl_c_stops_and_leaves_nothing_unfinished(video_folder, tmp_path) -> None:
    output = tmp_path / "prepared"
    command = Command("prepare", video_folder, output, "--workers", "2", cwd=tmp_path)
    while not list(output.rglob("*.mp4")):
        assert command.running, command.err
    command.interrupt()
    stopped = command.ended()
    if stopped.returncode:  # or it was done before
        assert (stopped.returncode, stopped.stderr) == (130, "iic: interrupted\n")
    assert not list(output.rglob(".tmp-*"))
    assert len(read_manifest(output / "preparation.csv").rows) >= len(list(output.rglob("*.mp4"))) - 2


def test_real_videos_look_the_same(real_data, tmp_path) -> None:
    originals = real_data / "raw_samples"
    result = prepare(originals, tmp_path / "prepared")
    for row, target in zip(result.rows, target_names([row.path for row in result.rows]), strict=True):
        size, frames = (row.height, row.width), [0, row.num_frames // 2, row.num_frames - 1]
        with open_video(str(originals / row.path)) as before, open_video(str(tmp_path / "prepared" / target)) as after:
            assert before.num_frames == after.num_frames
            difference = before.frames(frames, size).float() - after.frames(frames, size).float()
        assert difference.abs().mean() < 4, row.path
