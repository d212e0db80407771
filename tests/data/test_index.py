"""Collections: files, labels and rows, whatever they come from."""

import logging
import shutil
from pathlib import Path

import pytest
import torch

from iic_ptv.data.index import Video, VideoIndex, class_folders, csv_file, flat_folder, ucf101_lists
from iic_ptv.errors import InputError
from iic_ptv.registry import DATASETS

NAMES = [f"v_{name}_g{group:02}_c01.mp4" for name in ("jump", "run", "walk") for group in (1, 2, 3)]
LABELS = [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.fixture
def empty_videos(tmp_path: Path) -> Path:
    """Files named like videos, in UCF101's way; listing them must not read them."""
    for name in ("Archery", "Biking"):
        (tmp_path / name).mkdir()
        for group in (2, 1):
            (tmp_path / name / f"v_{name}_g{group:02}_c01.avi").touch()
    return tmp_path


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_class_folders(video_folder: Path) -> None:
    index = class_folders(video_folder)
    assert [video.name for video in index] == NAMES
    assert index.labels.tolist() == LABELS
    assert index.labels.dtype == torch.long
    assert index.class_names == ("jump", "run", "walk")
    assert index.paths == [str(video_folder / name.split("_")[1] / name) for name in NAMES]


def test_class_folders_leave_out_what_is_no_video(empty_videos: Path) -> None:
    (empty_videos / "Biking" / "notes.txt").touch()
    (empty_videos / "Biking" / "._v_Biking_g01_c01.avi").touch()
    (empty_videos / "Biking" / "UPPER.MP4").touch()
    (empty_videos / "splits").mkdir()
    index = class_folders(empty_videos)
    assert index.class_names == ("Archery", "Biking")
    assert [video.name for video in index if video.label == 1] == [
        "UPPER.MP4",
        "v_Biking_g01_c01.avi",
        "v_Biking_g02_c01.avi",
    ]


def test_flat_folder_has_no_labels(video_folder: Path) -> None:
    index = flat_folder(video_folder)
    assert [video.name for video in index] == NAMES
    assert index.labels.tolist() == [-1] * 9
    assert index.class_names == ()


@pytest.mark.parametrize("make", [class_folders, flat_folder])
def test_folders_without_videos(tmp_path: Path, make) -> None:
    with pytest.raises(InputError, match=r"no folder .*nowhere"):
        make(tmp_path / "nowhere")
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "notes.txt").touch()
    with pytest.raises(InputError, match=r"no video files.*\.avi.*\.mp4"):
        make(tmp_path)


def test_class_folders_point_to_flat_folders(tmp_path: Path) -> None:
    (tmp_path / "one.mp4").touch()
    with pytest.raises(InputError, match="The 1 that lie in it directly can be read as a flat folder"):
        class_folders(tmp_path)


def test_ucf101_lists(empty_videos: Path) -> None:
    write(empty_videos / "classInd.txt", "1 Archery", "2 Biking")
    train = write(empty_videos / "trainlist01.txt", "Biking/v_Biking_g02_c01.avi 2", "Archery/v_Archery_g02_c01.avi 1")
    test = write(empty_videos / "testlist01.txt", "Biking/v_Biking_g01_c01.avi", "", "Archery/v_Archery_g01_c01.avi")
    index = ucf101_lists(empty_videos, train)
    assert [(video.name, video.label) for video in index] == [("v_Archery_g02_c01.avi", 0), ("v_Biking_g02_c01.avi", 1)]
    assert index.class_names == ("Archery", "Biking")
    assert [(video.name, video.label) for video in ucf101_lists(empty_videos, "testlist01.txt")] == [
        ("v_Archery_g01_c01.avi", 0),
        ("v_Biking_g01_c01.avi", 1),
    ]
    assert len(ucf101_lists(empty_videos, [train, test])) == 4


def test_classes_without_a_class_index_are_the_folders(empty_videos: Path, tmp_path_factory) -> None:
    test = write(tmp_path_factory.mktemp("lists") / "testlist01.txt", "Biking/v_Biking_g01_c01.avi")
    index = ucf101_lists(empty_videos, test)
    assert (index.class_names, index.labels.tolist()) == (("Archery", "Biking"), [1])


def test_class_index_sets_the_numbers(empty_videos: Path) -> None:
    classes = write(empty_videos / "classes.txt", "1 Biking", "2 Archery")
    test = write(empty_videos / "testlist01.txt", "Biking/v_Biking_g01_c01.avi", "Archery/v_Archery_g01_c01.avi 2")
    assert ucf101_lists(empty_videos, test, class_index=classes).labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("line", "place"),
    [("Biking/v_Biking_g01_c01.avi 3", 2), ("Biking/v_Biking_g01_c01.avi 0", 2), ("Swimming/v.avi", 2), ("v.avi", 2)],
)
def test_malformed_lines_are_named(empty_videos: Path, line: str, place: int) -> None:
    write(empty_videos / "classInd.txt", "1 Archery", "2 Biking")
    broken = write(empty_videos / "list.txt", "Archery/v_Archery_g01_c01.avi 1", line)
    with pytest.raises(InputError, match=rf"list\.txt:{place}: expected .* found '{line}'"):
        ucf101_lists(empty_videos, broken)


def test_malformed_class_index(empty_videos: Path) -> None:
    write(empty_videos / "classInd.txt", "1 Archery", "3 Biking")
    with pytest.raises(InputError, match=r"classInd\.txt:2: expected '2 NameOfTheClass', found '3 Biking'"):
        ucf101_lists(empty_videos, write(empty_videos / "list.txt", "Archery/v_Archery_g01_c01.avi"))


def test_missing_lists_and_files_that_are_no_lists(empty_videos: Path) -> None:
    with pytest.raises(InputError, match=r"nolist\.txt' cannot be read: No such file"):
        ucf101_lists(empty_videos, "nolist.txt")
    (empty_videos / "binary.txt").write_bytes(bytes(range(128, 256)))
    with pytest.raises(InputError, match="not a text file"):
        ucf101_lists(empty_videos, "binary.txt")
    with pytest.raises(InputError, match="at least one list"):
        ucf101_lists(empty_videos, [])


def test_listed_videos_that_are_missing(empty_videos: Path, caplog: pytest.LogCaptureFixture) -> None:
    lost = [f"Archery/v_Archery_g{group:02}_c01.avi" for group in (7, 8, 9, 10)]
    listing = write(empty_videos / "list.txt", "Archery/v_Archery_g01_c01.avi", *lost)
    with pytest.raises(InputError) as caught:
        ucf101_lists(empty_videos, listing)
    message = str(caught.value)
    assert f"4 of the 5 listed videos are not under '{empty_videos}'" in message
    assert ", ".join(lost[:3]) + ", ..." in message
    assert lost[3] not in message
    with caplog.at_level(logging.WARNING):
        assert len(ucf101_lists(empty_videos, listing, missing="skip")) == 1
    assert "4 of the 5 listed videos" in caplog.text
    with pytest.raises(InputError, match="4 of the 4"):
        ucf101_lists(empty_videos, write(empty_videos / "lost.txt", *lost), missing="skip")
    with pytest.raises(InputError, match="choose one of error, skip"):
        ucf101_lists(empty_videos, listing, missing="ignore")


def test_videos_that_were_converted_are_found(empty_videos: Path) -> None:
    folder = empty_videos / "Biking"
    (folder / "v_Biking_g01_c01.avi").rename(folder / "v_Biking_g01_c01.mp4")
    listing = write(empty_videos / "list.txt", "Biking/v_Biking_g01_c01.avi")
    assert [video.name for video in ucf101_lists(empty_videos, listing)] == ["v_Biking_g01_c01.mp4"]
    (folder / "v_Biking_g01_c01.mkv").touch()
    with pytest.raises(InputError, match="1 of the 1"):  # which of the two?
        ucf101_lists(empty_videos, listing)


@pytest.mark.parametrize(
    ("lines", "labels", "class_names"),
    [
        (["path,label", "Archery/{0},1", "Biking/{1},0"], [1, 0], ("0", "1")),
        (["label,path", "1,Archery/{0}", "0,Biking/{1}"], [1, 0], ("0", "1")),
        (["Archery/{0},shoot", "Biking/{1},ride"], [1, 0], ("ride", "shoot")),
        (["path,group,label", "Archery/{0},7,", "Biking/{1},7,2"], [-1, 2], ("0", "1", "2")),
        (["Archery/{0}", "Biking/{1}"], [-1, -1], ()),
    ],
)
def test_csv_file(empty_videos: Path, lines: list[str], labels: list[int], class_names: tuple[str, ...]) -> None:
    names = ("v_Archery_g01_c01.avi", "v_Biking_g01_c01.avi")
    table = write(empty_videos / "videos.csv", *(line.format(*names) for line in lines))
    index = csv_file(table)
    assert tuple(video.name for video in index) == names
    assert index.labels.tolist() == labels
    assert index.class_names == class_names
    assert csv_file(empty_videos, "videos.csv") == index


@pytest.mark.parametrize("line", [",1", "a.mp4,1,2"])
def test_malformed_csv(empty_videos: Path, line: str) -> None:
    table = write(empty_videos / "videos.csv", "Archery/v_Archery_g01_c01.avi,0", line)
    with pytest.raises(InputError, match=rf"videos\.csv:2: expected path,label, found '{line}'"):
        csv_file(table)


def test_empty_csv(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no videos"):
        csv_file(write(tmp_path / "videos.csv", "path,label"))


def test_rows_do_not_depend_on_the_order_of_lists(empty_videos: Path) -> None:
    lines = [f"{name}/v_{name}_g0{group}_c01.avi" for name in ("Archery", "Biking") for group in (1, 2)]
    forward = ucf101_lists(empty_videos, write(empty_videos / "a.txt", *lines))
    backward = ucf101_lists(empty_videos, write(empty_videos / "b.txt", *reversed(lines)))
    assert forward == backward


def test_index_is_a_sequence(video_folder: Path) -> None:
    index = class_folders(video_folder)
    assert index[-1].name == NAMES[-1]
    assert [video.name for video in index[2:5]] == NAMES[2:5]
    assert index[2:5].class_names == index.class_names
    assert repr(index) == "VideoIndex(9 videos, 3 classes)"
    with pytest.raises(InputError, match="at least one video"):
        index[9:]


def test_pytorchvideo_round_trip(video_folder: Path) -> None:
    index = class_folders(video_folder)
    pairs = index.to_labeled_video_paths()
    assert pairs[4] == (index.paths[4], {"label": 1, "video_index": 4})
    assert VideoIndex.from_labeled_video_paths(pairs[::-1], index.class_names) == index
    unnumbered = [("b.mp4", {"label": 3}), ("a.mp4", {})]
    assert VideoIndex.from_labeled_video_paths(unnumbered).videos == (
        Video("b.mp4", "b.mp4", 3),
        Video("a.mp4", "a.mp4", -1),
    )
    with pytest.raises(InputError, match="from 0 to 1, each once"):
        VideoIndex.from_labeled_video_paths([("a.mp4", {"video_index": 1}), ("b.mp4", {"video_index": 1})])


def test_pytorchvideo_data_set_takes_our_rows(video_folder: Path) -> None:
    from pytorchvideo.data import LabeledVideoDataset, UniformClipSampler

    index = class_folders(video_folder)
    samples = list(
        LabeledVideoDataset(
            index.to_labeled_video_paths(),
            UniformClipSampler(clip_duration=0.8),
            video_sampler=torch.utils.data.SequentialSampler,
            decode_audio=False,
        )
    )
    assert [sample["video_index"] for sample in samples] == list(range(9))
    assert [sample["label"] for sample in samples] == LABELS
    assert [sample["video_name"] for sample in samples] == [video.name for video in index]


def test_pytorchvideo_paths_are_taken(video_folder: Path) -> None:
    from pytorchvideo.data.labeled_video_paths import LabeledVideoPaths

    index = VideoIndex.from_labeled_video_paths(LabeledVideoPaths.from_path(str(video_folder)))
    assert sorted(index.paths) == class_folders(video_folder).paths


@pytest.mark.parametrize("name", ["class_folders", "flat_folder", "ucf101_lists", "csv"])
def test_collections_are_registered(video_folder: Path, tmp_path: Path, name: str) -> None:
    root = shutil.copytree(video_folder, tmp_path / "videos")
    write(root / "list.txt", *(f"{name.split('_')[1]}/{name}" for name in NAMES))
    options = {"ucf101_lists": {"lists": "list.txt"}, "csv": {"file": "list.txt"}}.get(name, {})
    assert [video.name for video in DATASETS.get(name)(root, **options)] == NAMES


def test_real_actions(real_data: Path) -> None:
    root = real_data / "real_actions"
    train = ucf101_lists(root / "videos", root / "splits" / "trainlist02.txt")
    test = ucf101_lists(root / "videos", root / "splits" / "testlist02.txt")
    assert (len(train), len(test)) == (35, 25)
    assert train.class_names == test.class_names
    assert len(train.class_names) == 12
    for video in (*train, *test):
        assert train.class_names[video.label] == Path(video.path).parent.name
    assert len(class_folders(root / "videos")) == len(flat_folder(root)) == 572


def test_relabelled_videos_keep_their_class_by_name(video_folder: Path) -> None:
    index = class_folders(video_folder)
    relabelled = index.relabelled(["walk", "swim", "jump", "run"])
    assert relabelled.paths == index.paths
    assert [relabelled.class_names[video.label] for video in relabelled] == [
        index.class_names[video.label] for video in index
    ]
    with pytest.raises(InputError, match="not in the other: walk"):
        index.relabelled(["run", "jump"])
