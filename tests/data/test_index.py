"""The index of a collection: rows, labels, keys, and what it costs."""

import gc
import pickle

import pytest
import torch

from iic_ptv.data.index import Video, VideoIndex, without_extension
from iic_ptv.errors import InputError


def make_index(count: int = 9, root: str = "/data/videos") -> VideoIndex:
    """Rows in three classes; every third video is a folder of frames."""
    names = [f"v_{row:06}{'' if row % 3 else '.mp4'}" for row in range(count)]
    videos = (
        Video(f"{root}/class {3 * row // count}/{name}", name, 3 * row // count, f"class {3 * row // count}/{name[:8]}")
        for row, name in enumerate(names)
    )
    return VideoIndex(videos, ("class 0", "class 1", "class 2"))


def test_index_is_a_sequence_of_videos() -> None:
    index = make_index()
    videos = list(index)
    assert len(videos) == len(index) == 9
    assert videos[3] == Video("/data/videos/class 1/v_000003.mp4", "v_000003.mp4", 1, "class 1/v_000003")
    assert videos == [index[row] for row in range(9)] == [index[row - 9] for row in range(9)]
    assert index[torch.tensor(3)] == videos[3]
    assert (index.paths, index.keys) == ([video.path for video in videos], [video.key for video in videos])
    assert index.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert index.labels.dtype == torch.long
    assert repr(index) == "VideoIndex(9 videos, 3 classes)"
    for row in (9, -10):
        with pytest.raises(IndexError):
            index[row]


@pytest.mark.parametrize("rows", [slice(2, 5), slice(None, None, -1), slice(-3, None), slice(0, 9, 4), slice(None)])
def test_slices_are_indices(rows: slice) -> None:
    index = make_index()
    assert list(index[rows]) == list(index)[rows]
    assert index[rows].class_names == index.class_names
    assert (index[rows] == index) == (rows == slice(None))


def test_collections_are_not_empty() -> None:
    for make in (lambda: VideoIndex([]), lambda: make_index()[9:]):
        with pytest.raises(InputError, match="at least one video"):
            make()


def test_videos_and_columns_make_the_same_index() -> None:
    index = make_index()
    names = [video.name for video in index]
    columns = VideoIndex.from_columns(index.paths, names, index.keys, index.labels.tolist(), index.class_names)
    assert columns == index == VideoIndex(list(index), index.class_names)
    assert index != VideoIndex(list(index))
    assert index != list(index)


@pytest.mark.parametrize("name", ["ä b/ü'#&;[1].mp4", b"raw\xff.mp4".decode(errors="surrogateescape"), ""])
def test_any_name_is_kept(name: str) -> None:
    videos = [Video(f"/data/{name}", name, 7), Video("b.mp4", "b.mp4")]
    assert list(VideoIndex(videos)) == videos


@pytest.mark.parametrize(
    ("name", "key"),
    [("a.mp4", "a"), ("a.b.AVI", "a.b"), ("a.b", "a.b"), ("run/v_1.0", "run/v_1.0"), (".mp4", ".mp4"), ("a", "a")],
)
def test_only_extensions_of_videos_are_taken_off(name: str, key: str) -> None:
    assert without_extension(name) == key
    assert Video(f"/data/{name}", name).key == key
    assert Video(f"/data/{name}", name, key="own").key == "own"


def test_changed_labels_do_not_change_the_index() -> None:
    index = make_index()
    index.labels.zero_()
    index.paths.clear()
    assert index == make_index()


def test_an_index_keeps_no_object_per_video() -> None:
    """Forked processes that read such objects count their uses, which copies the memory that they share."""

    def objects(index: VideoIndex) -> int:
        found, frontier = {id(index): index}, [vars(index)]
        while frontier:
            frontier = [other for other in gc.get_referents(*frontier) if not isinstance(other, type)]
            frontier = [other for other in frontier if id(other) not in found]
            found.update((id(other), other) for other in frontier)
        return len(found)

    assert objects(make_index(3000)) == objects(make_index(9))


def test_an_index_is_little_larger_than_its_text_and_comes_back_from_a_pickle() -> None:
    index = make_index(3000)
    text = sum(len(video.path) + len(video.name) + len(video.key) for video in index)
    pickled = pickle.dumps(index)
    assert len(pickled) < text + 4 * 8 * len(index) + 1000
    assert pickle.loads(pickled) == index


def test_relabelled_videos_keep_their_class_by_name() -> None:
    index = make_index()
    relabelled = index.relabelled(["class 2", "other", "class 1", "class 0"])
    assert relabelled.labels.tolist() == [3, 3, 3, 2, 2, 2, 0, 0, 0]
    assert relabelled.class_names == ("class 2", "other", "class 1", "class 0")
    assert (relabelled.paths, relabelled.keys) == (index.paths, index.keys)
    assert index == make_index()
    with pytest.raises(InputError, match="not in the other: class 0, class 2"):
        index.relabelled(["other", "class 1"])


def test_relabelled_videos_without_a_label_stay_without() -> None:
    index = VideoIndex([Video("a.mp4", "a.mp4"), Video("b.mp4", "b.mp4", 0)], ["run", "unused"])
    assert index.relabelled(["walk", "run"]).labels.tolist() == [-1, 1]


def test_labeled_video_paths_round_trip() -> None:
    index = make_index()
    pairs = index.to_labeled_video_paths()
    assert pairs[4] == (index.paths[4], {"label": 1, "video_index": 4})
    assert VideoIndex.from_labeled_video_paths(pairs[::-1], index.class_names) == index
    unnumbered = [("b.mp4", {"label": 3}), ("a.mp4", {})]
    assert list(VideoIndex.from_labeled_video_paths(unnumbered)) == [
        Video("b.mp4", "b.mp4", 3, "b"),
        Video("a.mp4", "a.mp4", -1, "a"),
    ]
    with pytest.raises(InputError, match="from 0 to 1, each once"):
        VideoIndex.from_labeled_video_paths([("a.mp4", {"video_index": 1}), ("b.mp4", {"video_index": 1})])


def test_labels_of_labeled_video_paths_may_be_names() -> None:
    pairs = [("x/b.mp4", {"label": "walk"}), ("x/a.mp4", {"label": "run"}), ("x/c.mp4", {})]
    index = VideoIndex.from_labeled_video_paths(pairs)
    assert (index.labels.tolist(), index.class_names) == ([1, 0, -1], ("run", "walk"))
    assert index.keys == ["x/b", "x/a", "x/c"]
