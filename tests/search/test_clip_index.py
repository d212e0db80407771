"""The file of an index."""

import os

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from iic_ptv.errors import InputError
from iic_ptv.search.clip_index import ClipIndex, IndexedVideo, Origin, Stamp, read_index, write_index

SETTINGS = {"DATA.STRIDE": 2, "EVAL.VIEWS": ["rgb", "residual"], "--every": 2.0}
ORIGIN = Origin("/videos", "run/last.ckpt", "NAME: a\n")
ODD_NAME = os.fsdecode('Ünüsual [x], "y"\n\xff.mp4'.encode("latin-1"))


def some_videos() -> list[IndexedVideo]:
    def video(name: str, count: int, seed: int) -> IndexedVideo:
        vectors = F.normalize(torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)), dim=1)
        return IndexedVideo(name, Stamp(seed, 10**18 + seed), torch.arange(count).double() / 3, vectors)

    bad = IndexedVideo.unreadable("class/bad.mp4", Stamp(0, 7), "it is damaged")
    return [video("z.mp4", 3, 1), bad, video(ODD_NAME, 2, 2), video("class/a.mp4", 1, 3)]


def test_an_index_comes_back_as_it_was_written(tmp_path) -> None:
    write_index(tmp_path / "my.index", ClipIndex.of(some_videos(), SETTINGS, ORIGIN))
    index = read_index(tmp_path / "my.index")
    assert (index.settings, index.origin) == (SETTINGS, ORIGIN)
    assert list(index.names) == sorted(video.name for video in some_videos())
    found = {video.name: video for video in index.videos()}
    for video in some_videos():
        same = found[video.name]
        assert (same.stamp, same.error) == (video.stamp, video.error)
        assert torch.equal(same.seconds, video.seconds)
        assert torch.equal(same.vectors.flatten(), video.vectors.flatten())


def test_rows_of_clips_are_those_of_their_videos(tmp_path) -> None:
    index = ClipIndex.of(some_videos(), SETTINGS, ORIGIN)
    for row, name in enumerate(index.names):
        (video,) = (video for video in some_videos() if video.name == name)
        assert torch.equal(index.seconds[index.video_of_clip == row], video.seconds)


def test_the_file_does_not_depend_on_the_order_of_the_videos(tmp_path) -> None:
    write_index(tmp_path / "1", ClipIndex.of(some_videos(), SETTINGS, ORIGIN))
    write_index(tmp_path / "2", ClipIndex.of(some_videos()[::-1], SETTINGS, ORIGIN))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_others_may_read_it_as_they_may_read_other_files(tmp_path) -> None:
    write_index(tmp_path / "my.index", ClipIndex.of(some_videos(), SETTINGS, ORIGIN))
    (tmp_path / "other").touch()
    assert (tmp_path / "my.index").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_an_index_of_nothing_but_bad_videos_can_be_kept(tmp_path) -> None:
    write_index(tmp_path / "my.index", ClipIndex.of([some_videos()[1]], SETTINGS, ORIGIN))
    index = read_index(tmp_path / "my.index")
    assert (len(index.vectors), index.errors) == (0, ["it is damaged"])


def test_the_digest_tells_files_and_settings_apart() -> None:
    videos = some_videos()
    digests = [
        ClipIndex.of(videos, SETTINGS, ORIGIN).digest,
        ClipIndex.of(videos[1:], SETTINGS, ORIGIN).digest,
        ClipIndex.of(videos, {**SETTINGS, "DATA.STRIDE": 1}, ORIGIN).digest,
        ClipIndex.of(
            [*videos[:-1], IndexedVideo.unreadable(videos[-1].name, Stamp(3, 4), "")], SETTINGS, ORIGIN
        ).digest,
    ]
    assert len(set(digests)) == 4
    assert digests[0] == ClipIndex.of(videos[::-1], dict(reversed(SETTINGS.items())), Origin("/moved")).digest


@pytest.mark.parametrize("share", [0.0, 0.001, 0.2, 0.9, 0.999])
def test_a_truncated_index_is_refused(share, tmp_path) -> None:
    path = tmp_path / "my.index"
    write_index(path, ClipIndex.of(some_videos(), SETTINGS, ORIGIN))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"my.index: not an index, or one that is damaged or cut off"):
        read_index(path)


def test_what_is_no_index_is_refused(tmp_path) -> None:
    (tmp_path / "text").write_text("This is no index.\n" * 40)
    save_file({"features": torch.eye(3)}, tmp_path / "other.safetensors", {"format": "something else"})
    for name, message in {
        "text": "not an index",
        "other.safetensors": "not an index of `iic index`",
        "missing": "there is no such index; `iic index FOLDER -o",
        ".": "there is no such index",
    }.items():
        with pytest.raises(InputError, match=message):
            read_index(tmp_path / name)
