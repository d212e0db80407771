"""Indices whose making is killed, or goes on twice at once: real processes, real kills."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from numbered_videos import write_numbered_video
from recipes import small_recipe

from iic_ptv.data.collections import any_folder
from iic_ptv.errors import InputError
from iic_ptv.search.clip_index import Origin, read_index
from iic_ptv.search.journal import Journal, journal_folder, shards_of
from iic_ptv.search.update import Update, update_index

RECIPE = small_recipe()
FORK = multiprocessing.get_context("fork")  # the test's own modules and network, at once
NUM_VIDEOS = 3
CHANGES = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod"}  # of the file system


def update(path: Path, folder: Path) -> Update:
    origin = Origin(str(folder))
    return update_index(path, any_folder(folder), RECIPE, origin, progress=False, save_every=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("videos")
    for number in range(NUM_VIDEOS):
        write_numbered_video(root / f"{number}.mp4", 12, first=20 * number)
    return root


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory) -> bytes:
    """The index of the folder, made without interruption."""
    path = tmp_path_factory.mktemp("finished") / "my.index"
    update(path, folder)
    return path.read_bytes()


def run_in_process(work: Callable[[], object]) -> int:
    """Do it in another process; returns its exit code, negative for a signal."""
    process = FORK.Process(target=work)
    process.start()
    process.join()
    return process.exitcode


def killed_at(change: int, near: Path, work: Callable[[], object]) -> Callable[[], None]:
    """Do it, and die by SIGKILL when the file system is touched in a folder for the n-th time."""

    def run() -> None:
        left = change

        def count(event: str, arguments: tuple) -> None:
            nonlocal left
            if event in CHANGES and any(str(near) in str(argument) for argument in arguments[:2]):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()

    return run


@pytest.mark.slow
@pytest.mark.parametrize("updating", [False, True], ids=["new", "update"])
def test_killed_at_any_change_of_a_file_it_is_the_old_index_or_the_new_one(
    updating, folder, finished, tmp_path
) -> None:
    change, exit_code, resumed = 0, -signal.SIGKILL, []
    while exit_code == -signal.SIGKILL:
        path = tmp_path / str(change) / "my.index"
        path.parent.mkdir()
        old = None
        if updating:
            old = made_of_a_part(folder, tmp_path / "part", path)
        exit_code = run_in_process(killed_at(change, path.parent, lambda path=path: update(path, folder)))
        now = path.read_bytes() if path.exists() else None
        assert now in (old, finished)

        shards = [name for shard in shards_of(path) for name in read_index(shard).names]
        update(path, folder)
        assert path.read_bytes() == finished
        assert [entry.name for entry in path.parent.iterdir()] == ["my.index"], "nothing is left behind"
        resumed.append(len(shards))
        change += 1
    assert exit_code == 0
    assert max(resumed) == (NUM_VIDEOS - 1 if updating else NUM_VIDEOS)
    assert change > 5 * NUM_VIDEOS, "it was killed often enough"


def made_of_a_part(folder: Path, part: Path, path: Path) -> bytes:
    """An index from when the folder held other videos: one that stayed, and one that is gone since."""
    if not part.exists():
        part.mkdir()
        (part / "0.mp4").hardlink_to(folder / "0.mp4")
        write_numbered_video(part / "gone.mp4", 12)
    update_index(path, any_folder(part), RECIPE, Origin(str(part / "moved")), progress=False)
    return path.read_bytes()


def test_killed_at_any_time_it_goes_on(folder, finished, tmp_path) -> None:
    """By the clock, which hits moments between changes of files, too."""
    path = tmp_path / "my.index"
    for attempt in range(30):
        process = FORK.Process(target=update, args=(path, folder))
        process.start()
        process.join(0.01 * (attempt + 1))
        process.kill()
        process.join()
        assert not path.exists() or path.read_bytes() == finished
    update(path, folder)
    assert path.read_bytes() == finished


def test_what_a_killed_run_has_embedded_is_not_embedded_again(folder, finished, tmp_path) -> None:
    path = tmp_path / "my.index"
    for change in range(200):
        run_in_process(killed_at(change, tmp_path, lambda: update(path, folder)))
        if len(shards_of(path)) == 2:
            break
    kept = [name for shard in shards_of(path) for name in read_index(shard).names]
    assert len(kept) == 2
    contents = {name: (folder / name).read_bytes() for name in kept}
    try:
        for name, content in contents.items():
            overwrite_unnoticed(folder / name, b"\0" * len(content))
        assert update(path, folder).unreadable == {}
    finally:
        for name, content in contents.items():
            overwrite_unnoticed(folder / name, content)
    assert path.read_bytes() == finished


def overwrite_unnoticed(path: Path, content: bytes) -> None:
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_the_rest_of_another_network_is_refused(folder, tmp_path) -> None:
    path = tmp_path / "my.index"
    with Journal(path, RECIPE.settings, Origin(str(folder)), save_every=0) as journal:
        journal.add(read_one(folder, tmp_path))
    with pytest.raises(InputError, match="another checkpoint"):
        update_index(path, any_folder(folder), small_recipe(seed=1), Origin(str(folder)), progress=False)
    assert len(shards_of(path)) == 1, "it is still there for who comes back to it"


def read_one(folder: Path, tmp_path: Path):
    return update(tmp_path / "other.index", folder).index.videos()[0]


def test_an_exception_keeps_what_was_done(folder, tmp_path) -> None:
    path = tmp_path / "my.index"
    video = read_one(folder, tmp_path)

    def interrupted() -> None:
        with Journal(path, RECIPE.settings, Origin(str(folder))) as journal:
            journal.add(video)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [read_index(shard).names for shard in shards_of(path)] == [[video.name]]


def test_a_second_process_is_refused(folder, tmp_path) -> None:
    path = tmp_path / "my.index"

    def try_too() -> None:
        with pytest.raises(InputError, match=r"my.index: another process is writing this index; wait"):
            update(path, folder)

    with Journal(path, RECIPE.settings, Origin(str(folder))):
        assert run_in_process(try_too) == 0
        assert journal_folder(path).exists(), "the second leaves the first alone"
    assert not journal_folder(path).exists()
    assert update(path, folder).embedded == NUM_VIDEOS
