"""What ``iic flow`` writes is what is computed, and is written once."""

import shutil
from pathlib import Path

import av
import pytest
import torch
from numbered_videos import write_numbered_video

from iic_ptv.data.collections import any_folder
from iic_ptv.data.decoding import open_video
from iic_ptv.data.flow import flow_source
from iic_ptv.data.flow.files import FlowSettings, WrittenFlow, write_flow
from iic_ptv.data.preparation.manifest import read_manifest
from iic_ptv.errors import InputError


def write(root: Path, output: Path, **settings) -> WrittenFlow:
    return write_flow(any_folder(root), root, output, FlowSettings(**settings), num_workers=2)


def write_moving_video(path: Path, num_frames: int = 6, speed: int = 3) -> Path:
    """A smooth pattern that moves to the right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = torch.rand(1, 1, 48, 64 + num_frames * speed, generator=torch.Generator().manual_seed(0))
    pattern = (
        torch.nn.functional.avg_pool2d(noise, 7, stride=1, padding=3)[0, 0].sub(0.5).mul(700).add(128).clamp(0, 255)
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for number in range(num_frames):
            end = pattern.shape[1] - number * speed
            picture = pattern[:, end - 64 : end].byte()[..., None].expand(-1, -1, 3).contiguous()
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture.numpy(), format="rgb24")))
        container.mux(stream.encode())
    return path


def test_stored_flow_is_the_computed_one(tmp_path) -> None:
    root, output = tmp_path / "videos", tmp_path / "flow"
    write_moving_video(root / "run/a.mp4")
    write_numbered_video(root / "run/one.mp4", 1)
    result = write(root, output)
    assert [(row.path, row.error) for row in result.rows] == [("run/a.mp4", ""), ("run/one.mp4", "")]
    names = [f"frame{number:06}.jpg" for number in range(1, 7)]
    assert sorted(file.name for file in (output / "u/run/a").iterdir()) == names
    assert sorted(file.name for file in (output / "v/run/a").iterdir()) == names

    video, one = any_folder(root)
    with open_video(video.path, "pyav") as opened:
        pictures = dict(enumerate(opened.frames(range(6)).unbind(dim=1)))
    computed = flow_source("dis").flow(video, range(6), pictures, 6)
    stored = flow_source(str(output)).flow(video, range(6), {}, 6)
    assert (stored.float() - computed.float()).abs().mean() < 1
    assert (stored[0, :, 12:-12, 12:-12].float() / 255 * 40 - 20).median() == pytest.approx(3, abs=0.2)
    assert (flow_source(str(output)).flow(one, [0], {}, 1) == 128).all()


def test_frames_are_scaled_first(tmp_path) -> None:
    root, output = tmp_path / "videos", tmp_path / "flow"
    write_moving_video(root / "a.mp4", speed=4)
    (row,) = write(root, output, short_side=24).rows
    assert (row.num_frames, row.height, row.width) == (6, 24, 32)
    (video,) = any_folder(root)
    stored = flow_source(str(output)).flow(video, [0, 1, 2], {}, 6)
    assert stored.shape == (2, 3, 24, 32)
    assert (stored[0, :, 6:-6, 6:-6].float() / 255 * 40 - 20).median() == pytest.approx(2, abs=0.2)


def test_what_is_done_is_not_done_again(video_folder, tmp_path) -> None:
    root, output = tmp_path / "videos", tmp_path / "flow"
    shutil.copytree(video_folder / "run", root)
    first = write(root, output)
    assert first.num_kept == 0
    names = [row.path.removesuffix(".mp4") for row in first.rows]
    times = {name: (output / "u" / name).stat().st_mtime_ns for name in names}
    assert write(root, output) == first._replace(num_kept=3)

    shutil.rmtree(output / "v" / names[0])  # as if interrupted between the two
    write_numbered_video(root / f"{names[1]}.mp4", 7)  # changed
    assert write(root, output).num_kept == 1
    assert len(list((output / "u" / names[1]).iterdir())) == 7
    assert len(list((output / "v" / names[0]).iterdir())) == 20
    assert (output / "u" / names[2]).stat().st_mtime_ns == times[names[2]]


def test_bad_videos_are_left_out_and_named(mixed_folder, tmp_path) -> None:
    rows = write(mixed_folder, tmp_path / "flow").rows
    assert {row.path for row in rows if not row.error} == {"class/a_good.mp4", "class/z_good.mp4"}
    assert read_manifest(tmp_path / "flow/flow.csv").rows == {row.path: row for row in rows}
    for component in "uv":
        assert sorted(path.name for path in (tmp_path / "flow" / component / "class").iterdir()) == ["a_good", "z_good"]


def test_videos_whose_folders_would_be_mixed_up_are_refused(tmp_path) -> None:
    root = tmp_path / "videos"
    for name in ("a.avi", "a.mp4", "a/b.mp4", "c.mp4"):
        write_numbered_video(root / name, 3, b_frames=0)
    rows = write(root, tmp_path / "flow").rows
    assert {row.path for row in rows if not row.error} == {"a.avi", "c.mp4"}
    assert all("the folder of another video" in row.error for row in rows if row.error)


def test_a_folder_of_something_else_is_left_alone(video_folder, tmp_path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").touch()
    with pytest.raises(InputError, match="is not empty"):
        write(video_folder / "run", tmp_path / "other")
    write(video_folder / "run", tmp_path / "flow")
    with pytest.raises(InputError, match=r"other options \(bound 20.0, not 10.0\)"):
        write(video_folder / "run", tmp_path / "flow", bound=10.0)
    with pytest.raises(InputError, match="short side"):
        FlowSettings(short_side=-1)
