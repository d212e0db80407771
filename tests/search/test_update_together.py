"""Indices that several processes make together, killed and gone on with by others."""

import os
from pathlib import Path
from typing import Any

import pytest
from numbered_videos import write_numbered_video
from recipes import small_recipe
from together import run_together

from iic_ptv.data.collections import any_folder
from iic_ptv.search.clip_index import IndexedVideo, Origin, read_index
from iic_ptv.search.journal import Journal, journal_folder, shards_of
from iic_ptv.search.update import Update, unreadable_table, update_index

NUM_VIDEOS = 8
BAD = ("3.mp4", "text.mp4")


def update(path: Path, folder: Path, known_bad: dict[str, str] | None = None) -> Update | None:
    origin = Origin(str(folder))
    return update_index(path, any_folder(folder), small_recipe(), origin, known_bad, progress=False, save_every=0)


def of_process(rank: int, path: Path, folder: Path, known_bad: dict[str, str] | None = None) -> Any:
    made = update(path, folder, known_bad)
    return None if made is None else (made.embedded, made.kept, made.gone, made.unreadable)


def stopped(rank: int, path: Path, folder: Path) -> bool:
    """Stop when the first video of this process is done."""
    add = Journal.add

    def stop(journal: Journal, video: IndexedVideo) -> None:
        add(journal, video)
        raise KeyboardInterrupt

    Journal.add = stop  # type: ignore[method-assign]
    try:
        update(path, folder)
    except KeyboardInterrupt:
        return True
    finally:
        Journal.add = add  # type: ignore[method-assign]
    return False


@pytest.fixture
def folder(tmp_path) -> Path:
    for number in range(NUM_VIDEOS):
        write_numbered_video(tmp_path / "videos" / f"{number}.mp4", 12 + number, first=20 * number)
    (tmp_path / "videos" / "text.mp4").write_text("no video" * 10)
    return tmp_path / "videos"


def test_an_index_is_the_same_of_any_number_of_processes(folder, tmp_path) -> None:
    alone, together = tmp_path / "alone.index", tmp_path / "together.index"
    known_bad = {"3.mp4": "a check said so"}
    made = update(alone, folder, known_bad)
    first, *others = run_together(of_process, 3, tmp_path, together, folder, known_bad)
    assert together.read_bytes() == alone.read_bytes()
    assert first == (made.embedded, made.kept, made.gone, made.unreadable)
    assert sorted(made.unreadable) == sorted(BAD)
    assert others == [None, None]
    assert unreadable_table(together).read_text() == unreadable_table(alone).read_text()
    assert not journal_folder(together).exists()

    write_numbered_video(folder / "new.mp4", 20, first=200)
    (folder / "0.mp4").unlink()
    update(alone, folder)
    first, *_ = run_together(of_process, 3, tmp_path, together, folder)  # two of which have nothing to do
    assert first[:3] == (1, NUM_VIDEOS - 2, 1)
    assert together.read_bytes() == alone.read_bytes()


def test_others_in_another_number_go_on_where_processes_were_stopped(folder, tmp_path) -> None:
    update(tmp_path / "alone.index", folder)
    path = tmp_path / "my.index"
    assert run_together(stopped, 3, tmp_path, path, folder) == [True] * 3
    assert not path.exists()
    kept = [name for shard in shards_of(path) for name in read_index(shard).names]
    assert len(shards_of(path)) == len(set(kept)) == 3

    for name in kept:
        make_unreadable_unnoticed(folder / name)
    first, other = run_together(of_process, 2, tmp_path, path, folder)
    assert first[:3] == (NUM_VIDEOS, 0, 0)
    assert other is None
    assert path.read_bytes() == (tmp_path / "alone.index").read_bytes()
    assert not journal_folder(path).exists()


def make_unreadable_unnoticed(video: Path) -> None:
    before = video.stat()
    video.write_bytes(b"\0" * before.st_size)
    os.utime(video, ns=(before.st_atime_ns, before.st_mtime_ns))
