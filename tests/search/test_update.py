"""Indices of folders that change."""

import csv
import os
import shutil
from pathlib import Path

import pytest
import torch
from numbered_videos import write_numbered_pictures, write_numbered_video
from recipes import small_recipe

from iic_ptv.data.collections import any_folder
from iic_ptv.errors import InputError
from iic_ptv.evaluation.forward_pass import CLIPS_PER_FORWARD
from iic_ptv.search.clip_index import Origin, read_index
from iic_ptv.search.embedding import embed_query
from iic_ptv.search.journal import journal_folder
from iic_ptv.search.update import Update, unreadable_table, update_index

RECIPE = small_recipe()


def update(path: Path, folder: Path, recipe=RECIPE, **options) -> Update:
    return update_index(path, any_folder(folder), recipe, Origin(str(folder)), progress=False, **options)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three good videos, one of them a folder of frames, and a bad one."""
    for number, name in enumerate(("a", "b")):
        write_numbered_video(tmp_path / "videos" / f"{name}.mp4", 20, first=20 * number)
    write_numbered_pictures(tmp_path / "videos" / "deep" / "frames", 20, first=40)
    (tmp_path / "videos" / "text.mp4").write_text("no video" * 10)
    return tmp_path / "videos"


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "indices" / "my.index"


def replace_unnoticed(target: Path, content: bytes) -> None:
    """Change a file such that its size and its time of change stay."""
    before = target.stat()
    target.write_bytes(content.ljust(before.st_size, b"\0")[: before.st_size])
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_an_index_knows_all_videos_of_its_folder(folder, path) -> None:
    made = update(path, folder)
    index = read_index(path)
    assert index.names == ["a.mp4", "b.mp4", "deep/frames", "text.mp4"]
    assert index.num_clips.tolist() == [5, 5, 5, 0]
    assert torch.allclose(index.vectors.norm(dim=1), torch.ones(15), atol=1e-6)
    assert index.seconds[:5].tolist() == pytest.approx([0, 0.16, 0.32, 0.48, 0.64])
    assert (made.embedded, made.kept, made.gone, list(made.unreadable)) == (3, 0, 0, ["text.mp4"])
    with unreadable_table(path).open(newline="") as table:
        assert list(csv.reader(table))[1:] == [["text.mp4", "it is damaged, cut off, or not a video"]]
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["my.index", "my.index.unreadable.csv"]


@pytest.mark.parametrize("num_workers", [1, 2])
def test_workers_do_not_change_the_index(folder, path, num_workers) -> None:
    update(path, folder)
    update(path.with_name("other.index"), folder, num_workers=num_workers)
    assert path.read_bytes() == path.with_name("other.index").read_bytes()


def test_all_forward_passes_but_the_last_are_full_of_clips(tmp_path, path) -> None:
    """Clips of a video are embedded with those of the next; the index does not tell."""
    for number in range(18):
        write_numbered_video(tmp_path / "videos" / f"{number}.mp4", 20, first=10 * number)
    recipe = small_recipe()
    passes = []
    recipe.embed.models["rgb"].register_forward_pre_hook(lambda network, given: passes.append(given[0]))
    assert update(path, tmp_path / "videos", recipe).embedded == 18
    assert len(passes) == 2 * -(-18 * 5 // CLIPS_PER_FORWARD)  # of two views
    for name in ("0.mp4", "17.mp4", "9.mp4"):
        (alone,) = (video for video in read_index(path).videos() if video.name == name)
        assert torch.equal(alone.vectors, embed_query(str(tmp_path / "videos" / name), recipe).vectors)


def test_nothing_to_do_leaves_the_file_alone(folder, path) -> None:
    update(path, folder)
    before = path.stat()
    again = update(path, folder)
    assert (again.embedded, again.kept, again.gone) == (0, 3, 0)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert not journal_folder(path).exists()


def test_only_what_is_new_or_changed_is_embedded(folder, path) -> None:
    update(path, folder)
    before = {video.name: video for video in read_index(path).videos()}
    replace_unnoticed(folder / "a.mp4", b"whoever reads this finds no video")
    write_numbered_video(folder / "b.mp4", 24, first=100)
    write_numbered_video(folder / "new" / "c.mp4", 20, first=60)
    shutil.rmtree(folder / "deep")
    changed = update(path, folder)
    assert (changed.embedded, changed.kept, changed.gone) == (2, 1, 1)
    now = {video.name: video for video in read_index(path).videos()}
    assert sorted(now) == ["a.mp4", "b.mp4", "new/c.mp4", "text.mp4"]
    assert torch.equal(now["a.mp4"].vectors, before["a.mp4"].vectors)
    assert not torch.equal(now["b.mp4"].vectors, before["b.mp4"].vectors)


def test_an_updated_index_is_the_one_that_would_be_made_anew(folder, path) -> None:
    update(path, folder)
    write_numbered_video(folder / "b.mp4", 24, first=100)
    write_numbered_video(folder / "0.mp4", 20, first=60)
    update(path, folder)
    update(path.with_name("anew.index"), folder)
    assert path.read_bytes() == path.with_name("anew.index").read_bytes()


def test_unreadable_videos_are_tried_again_when_they_change(folder, path, tmp_path) -> None:
    good = write_numbered_video(tmp_path / "good.mp4", 20).read_bytes()
    (folder / "text.mp4").write_bytes(b"\0" * len(good))
    assert list(update(path, folder).unreadable) == ["text.mp4"]
    replace_unnoticed(folder / "text.mp4", good)
    assert list(update(path, folder).unreadable) == ["text.mp4"]
    os.utime(folder / "text.mp4")
    assert update(path, folder).unreadable == {}
    assert not unreadable_table(path).exists()


def test_what_is_known_to_be_bad_is_not_tried(folder, path) -> None:
    made = update(path, folder, known_bad={"a.mp4": "a check said so", "gone.mp4": "whatever"})
    assert made.unreadable == {"a.mp4": "a check said so", "text.mp4": "it is damaged, cut off, or not a video"}


def test_a_moved_folder_is_not_embedded_again(folder, path, tmp_path) -> None:
    update(path, folder)
    moved = folder.rename(tmp_path / "moved")
    assert update(path, moved).embedded == 0
    assert read_index(path).origin.folder == str(moved)


def test_the_index_of_another_folder_is_left_alone(folder, path, tmp_path) -> None:
    update(path, folder)
    before = path.read_bytes()
    write_numbered_video(tmp_path / "others" / "a.mp4")
    with pytest.raises(InputError, match=r"this is the index of .*/videos, whose videos would vanish from it; name"):
        update(path, tmp_path / "others")
    assert path.read_bytes() == before
    assert not journal_folder(path).exists()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (small_recipe(seed=1), r"the weights of the network \(another checkpoint\)"),
        (small_recipe(stride=2), r"DATA.STRIDE \(1 there, 2 here\)"),
    ],
)
def test_other_settings_are_refused(folder, path, other, message) -> None:
    update(path, folder)
    before = path.read_bytes()
    with pytest.raises(InputError, match=rf"my.index was made with other settings: {message}. .* -o OTHER.index"):
        update(path, folder, other)
    assert path.read_bytes() == before


def test_what_is_no_index_is_not_overwritten(folder, path, tmp_path) -> None:
    video = write_numbered_video(tmp_path / "film.mp4")
    before = video.read_bytes()
    with pytest.raises(InputError, match=r"film.mp4: not an index"):
        update(video, folder)
    assert video.read_bytes() == before


def test_where_nothing_can_be_written_one_is_told(folder, tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"my.index: the index cannot be written there \(Not a directory\); name"):
        update(tmp_path / "file" / "my.index", folder)


def test_a_full_disk_is_told_and_loses_nothing(folder, path) -> None:
    """A folder stands where the index is to be moved, which fails as late as it can."""
    update(path, folder)
    write_numbered_video(folder / "c.mp4")
    before = path.read_bytes()
    (journal_folder(path) / "whole.index").mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be written"):
        update(path, folder)
    assert path.read_bytes() == before
    (journal_folder(path) / "whole.index").rmdir()
    assert update(path, folder).embedded == 1
