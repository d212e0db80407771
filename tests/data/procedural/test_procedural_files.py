import json
import re
from pathlib import Path

import av
import decord
import numpy as np
import pytest
import torch

from iic_ptv.data.procedural import MOTIONS, files, render_videos, write_videos
from iic_ptv.data.procedural.collection import ProceduralVideo
from iic_ptv.errors import InputError

PARAMETERS = {
    "motions": ("bounce", "translate_left"),
    "train_per_class": 3,
    "test_per_class": 2,
    "num_frames": 11,
    "size": (32, 64),
    "frame_rate": 10,
    "progress": False,
}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("procedural") / "new" / "folder", **PARAMETERS)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_lists_have_the_format_of_ucf101(collection):
    splits = collection / "splits"
    assert (splits / "classInd.txt").read_text() == "1 bounce\n2 translate_left\n"
    train = (splits / "trainlist01.txt").read_text().splitlines()
    test = (splits / "testlist01.txt").read_text().splitlines()
    assert (len(train), len(test)) == (6, 4)
    for line in train:
        match = re.fullmatch(r"(\w+)/v_\1_g\d\d_c\d\d\.mp4 (\d+)", line)
        assert PARAMETERS["motions"][int(match[2]) - 1] == match[1]
    for line in test:
        assert re.fullmatch(r"(\w+)/v_\1_g\d\d_c\d\d\.mp4", line)
    listed = {line.split()[0] for line in train + test}
    written = {str(path.relative_to(collection / "videos")) for path in (collection / "videos").rglob("*.mp4")}
    assert listed == written
    assert len(listed) == 10


def test_files_decode_to_what_was_rendered(collection):
    for motion in PARAMETERS["motions"]:
        video = ProceduralVideo(motion, number=2)
        rendered = render_videos(
            torch.tensor([MOTIONS.index(motion)]), torch.tensor([video.seed(0)]), torch.arange(11.0), (32, 64)
        )
        rendered = (255.0 * rendered[0]).permute(1, 2, 3, 0).numpy()
        path = str(collection / "videos" / video.path)
        with av.open(path) as container:
            stream = container.streams.video[0]
            assert (stream.average_rate, stream.codec_context.name, stream.pix_fmt) == (10, "h264", "yuv420p")
            from_av = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])
        frames = decord.VideoReader(path, num_threads=1).get_batch(range(11))
        from_decord = frames.asnumpy() if hasattr(frames, "asnumpy") else frames.numpy()
        for decoded in (from_av, from_decord):
            assert decoded.shape == (11, 32, 64, 3)
            # The colours are halved in resolution, so compare brightness closely and colours loosely.
            assert np.abs(decoded.mean(3) - rendered.mean(3)).mean() < 5.0
            assert np.abs(decoded - rendered).mean() < 9.0
            shuffled = np.abs(decoded.mean(3) - rendered[::-1].mean(3)).mean()
            assert np.abs(decoded.mean(3) - rendered.mean(3)).mean() < 0.8 * shuffled


def test_the_same_call_writes_nothing_again(collection):
    before = {path: path.stat().st_mtime_ns for path in (collection / "videos").rglob("*.mp4")}
    write_videos(collection, **PARAMETERS)
    assert before == {path: path.stat().st_mtime_ns for path in (collection / "videos").rglob("*.mp4")}


@pytest.mark.parametrize("change", [{"seed": 1}, {"num_frames": 12}, {"motions": ("bounce",)}, {"size": 32}])
def test_other_parameters_are_refused_and_named(collection, change):
    before = contents(collection)
    with pytest.raises(InputError, match=next(iter(change))):
        write_videos(collection, **PARAMETERS | change)
    assert contents(collection) == before


def test_a_folder_of_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="not empty"):
        write_videos(tmp_path, **PARAMETERS)
    assert contents(tmp_path) == {"thesis.tex": b"precious"}
    with pytest.raises(InputError, match="file"):
        write_videos(tmp_path / "thesis.tex", **PARAMETERS)


def test_a_broken_record_is_named(tmp_path):
    (tmp_path / "rendering.json").write_text("{")
    with pytest.raises(InputError, match=r"rendering\.json"):
        write_videos(tmp_path, **PARAMETERS)


def test_an_interrupted_rendering_is_completed_by_the_same_call(collection, tmp_path, monkeypatch):
    folder = tmp_path / "interrupted"
    written = []

    def write_until_interrupted(path: Path, video: torch.Tensor, frame_rate: int) -> None:
        if len(written) == 4:
            path.write_bytes(b"half a video")
            raise KeyboardInterrupt
        write_mp4(path, video, frame_rate)
        written.append(path)

    write_mp4 = files.write_mp4
    monkeypatch.setattr(files, "write_mp4", write_until_interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_videos(folder, **PARAMETERS)
    assert not (folder / "rendering.json").exists()
    complete = contents(collection)
    for name, content in contents(folder).items():
        if name.endswith(".mp4"):  # never half a file under its final name
            assert content == complete[name]

    monkeypatch.undo()
    with pytest.raises(InputError, match="seed"):
        write_videos(folder, **PARAMETERS | {"seed": 1})
    write_videos(folder, **PARAMETERS)
    assert contents(folder) == complete


def test_test_videos_stay_the_same_when_the_training_set_grows(collection, tmp_path):
    larger = write_videos(tmp_path / "larger", **PARAMETERS | {"train_per_class": 4, "motions": ("zigzag", "bounce")})
    for line in (larger / "splits" / "testlist01.txt").read_text().splitlines():
        if line.startswith("bounce"):
            assert (larger / "videos" / line).read_bytes() == (collection / "videos" / line).read_bytes()


def test_no_two_videos_are_alike(collection):
    videos = [path.read_bytes() for path in (collection / "videos").rglob("*.mp4")]
    assert len(set(videos)) == len(videos)


def test_looks_are_told_by_the_number_of_a_video_alone(tmp_path):
    """Where there are two of them: they are those of every motion, and say nothing of it."""
    folder = write_videos(tmp_path / "alike", **{**PARAMETERS, "appearances": 2})

    def colors(motion: str, number: int) -> torch.Tensor:
        with av.open(folder / "videos" / ProceduralVideo(motion, number).path) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        return torch.from_numpy(np.stack(frames)).float().mean((0, 1, 2))

    same = (colors("bounce", 1) - colors("translate_left", 3)).abs().max()
    assert same < (colors("bounce", 1) - colors("bounce", 2)).abs().max() / 4
    with pytest.raises(InputError, match="appearances: expected 1 or more"):
        write_videos(tmp_path / "none", **{**PARAMETERS, "appearances": 0})


def test_the_record_holds_the_parameters(collection):
    record = json.loads((collection / "rendering.json").read_text())
    assert record.items() >= {"motions": ["bounce", "translate_left"], "num_frames": 11, "size": [32, 64]}.items()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"motions": ("bounse",)}, "Did you mean bounce"),
        ({"motions": ()}, "motions"),
        ({"motions": ("bounce", "bounce")}, "motions"),
        ({"size": 33}, "even"),
        ({"size": 8}, "size"),
        ({"num_frames": 0}, "num_frames"),
        ({"train_per_class": -1}, "train_per_class"),
        ({"train_per_class": 0, "test_per_class": 0}, "nothing to render"),
        ({"frame_rate": 0}, "frame_rate"),
    ],
)
def test_parameters_out_of_range_are_named_before_anything_is_written(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        write_videos(tmp_path / "new", **PARAMETERS | change)
    assert not (tmp_path / "new").exists()
