"""Bringing an index up to date with a folder of videos."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from iic_ptv.data.index import Video
from iic_ptv.data.preparation.manifest import path_below_root
from iic_ptv.data.progress import progress_bar
from iic_ptv.distributed import rank, told_by_first
from iic_ptv.errors import InputError
from iic_ptv.evaluation.forward_pass import CLIPS_PER_FORWARD
from iic_ptv.files.atomic import atomic_write
from iic_ptv.search.clip_index import ClipIndex, IndexedVideo, Origin, Stamp
from iic_ptv.search.embedding import Recipe
from iic_ptv.search.interruption import interrupted_between
from iic_ptv.search.journal import SAVE_EVERY, Journal, parts_of
from iic_ptv.search.reading import Piece, Unreadable, read_pieces
from iic_ptv.search.settings import check_settings
from iic_ptv.shares import failing_together, own_share

EMBEDDED_AT_ONCE = 4 * CLIPS_PER_FORWARD  # clips, and those of one piece more


@dataclass(frozen=True, eq=False)
class Update:
    """What became of an index.

    Attributes:
        index: the index now.
        embedded: videos that were embedded, by this run or by one before it that was killed; those that cannot be read
            are not counted.
        gone: videos that were in it, and are not in the folder any more.
    """

    index: ClipIndex
    embedded: int
    gone: int

    @property
    def kept(self) -> int:
        """Videos that can be read and are as they were."""
        return len(self.index.names) - len(self.unreadable) - self.embedded

    @property
    def unreadable(self) -> dict[str, str]:
        """Why videos cannot be read, by their names."""
        rows = zip(self.index.names, self.index.errors, strict=True)
        return {name: error for name, error in rows if error}


def update_index(
    path: str | Path,
    videos: Sequence[Video],
    recipe: Recipe,
    origin: Origin,
    known_bad: Mapping[str, str] | None = None,
    num_workers: int = 0,
    start_method: str | None = None,
    progress: bool | None = None,
    save_every: float = SAVE_EVERY,
) -> Update | None:
    """Make an index of all videos of a folder, or bring the one that is there up to date.

    A video whose file has the size and the time of last change that it had is not read again, whether it could be
    read then or not; videos that are not in the folder any more vanish from the index. Killed at any moment, the file
    is the old index or the new one, and the same call goes on where it was. Beside an index with videos that cannot be
    read is a table of them, ``NAME.unreadable.csv``. Processes that work together share the videos; the index is the
    same, and so is what a killed run goes on with, in whatever number.

    Args:
        path: the index.
        videos: all videos of the folder.
        recipe: how vectors are made of them.
        origin: where the videos and the network are.
        known_bad: reasons by name of videos that are known to be unreadable, so that nobody tries.
        num_workers: processes that decode; 0 decodes in this one. The index is the same.
        start_method: see :func:`~iic_ptv.data.loaders.worker_options`.
        progress: show a bar; None: where standard error is a terminal.
        save_every: seconds of work that a killed run loses at most.

    Returns:
        What became of the index; None in further processes, which have done their share.

    Raises:
        InputError: the file is no index, one of another folder or of other settings, another process writes it, or it
            cannot be written.
    """
    path = Path(path)
    wanted = {path_below_root(video): video for video in videos}
    with Journal(path, recipe.settings, origin, save_every) as journal:
        with failing_together():
            parts = [] if rank() else parts_of(path)
            for part in parts:
                check_settings(str(path), part.settings, recipe.settings)
                _check_folder(path, part.origin, origin)
        kept = {} if rank() else _kept(parts, wanted, known_bad or {})
        new = own_share(told_by_first([name for name in wanted if name not in kept]))
        with journal.shared_work(), progress_bar(False if rank() else progress) as bar:
            task = bar.add_task("embedding", total=len(kept) + len(new), completed=len(kept))
            for done in _embedded({name: wanted[name] for name in new}, recipe, num_workers, start_method):
                journal.add(done)
                if not rank():
                    kept[done.name] = done
                bar.advance(task)
        kept |= {video.name: video for video in journal.of_others()}
        if rank():
            return None
        before = parts[0] if path.exists() else None
        index = ClipIndex.of(kept.values(), recipe.settings, origin)
        if before is None or len(parts) > 1 or (before.digest, before.origin) != (index.digest, origin):
            journal.commit(index)
        update = Update(index, *_changes(before, index))
        _write_unreadable(path, update.unreadable)
    return update


def _check_folder(path: Path, before: Origin, now: Origin) -> None:
    """Refuse to make an index of one folder that of another, unless it was moved there."""
    if before.folder != now.folder and Path(before.folder).exists():
        raise InputError(
            f"{path}: this is the index of {before.folder}, whose videos would vanish from it; "
            f"name another file for those of {now.folder} with -o."
        )


def _kept(
    parts: Sequence[ClipIndex], wanted: Mapping[str, Video], known_bad: Mapping[str, str]
) -> dict[str, IndexedVideo]:
    """What is known of videos without reading them, by their names."""
    known = {video.name: video for part in parts for video in part.videos()}
    stamps = {name: _stamp_of(video) for name, video in wanted.items()}
    bad = {
        name: IndexedVideo.unreadable(name, stamps[name], reason)
        for name, reason in known_bad.items()
        if name in wanted
    }
    unchanged = {name: known[name] for name, stamp in stamps.items() if name in known and known[name].stamp == stamp}
    return {**bad, **unchanged}


def _stamp_of(video: Video) -> Stamp:
    """The stamp of the file; one that nothing has if it is gone."""
    try:
        return Stamp.of(video.path)
    except OSError:
        return Stamp(-1, -1)


def _embedded(
    videos: Mapping[str, Video], recipe: Recipe, num_workers: int, start_method: str | None
) -> Iterator[IndexedVideo]:
    """Embed videos one by one. Stamps are of before they are read: one that changes meanwhile is read again later."""
    if not videos:
        return
    names = list(videos)
    stamps = {name: _stamp_of(video) for name, video in videos.items()}
    unfinished: dict[str, list[tuple[Tensor, Tensor]]] = defaultdict(list)
    pieces = read_pieces(list(videos.values()), recipe.reader, recipe.plan, num_workers, start_method)
    for piece, vectors in _with_vectors(interrupted_between(pieces), recipe):
        name = names[piece.row]
        if isinstance(piece, Unreadable):
            unfinished.pop(name, None)
            yield IndexedVideo.unreadable(name, stamps[name], piece.reason)
            continue
        unfinished[name].append((piece.seconds, vectors))
        if piece.is_last:
            seconds, vectors = map(torch.cat, zip(*unfinished.pop(name), strict=True))
            yield IndexedVideo(name, stamps[name], seconds, vectors)


def _with_vectors(pieces: Iterable[Piece | Unreadable], recipe: Recipe) -> Iterator[tuple[Piece | Unreadable, Tensor]]:
    """Pieces with the vectors of their clips, which are embedded many at a time: short videos have but a few.

    So that all forward passes are full, what is too much of a piece waits for the next ones.
    """
    waiting: list[Piece | Unreadable] = []
    for piece in pieces:
        waiting.append(piece)
        count = sum(map(len, waiting))
        if isinstance(piece, Piece) and count >= EMBEDDED_AT_ONCE:
            too_many = count % CLIPS_PER_FORWARD
            waiting[-1], later = piece.split(len(piece) - too_many)
            yield from _embedded_together(waiting, recipe)
            waiting = [later] if too_many else []
    yield from _embedded_together(waiting, recipe)


def _embedded_together(
    pieces: Sequence[Piece | Unreadable], recipe: Recipe
) -> Iterator[tuple[Piece | Unreadable, Tensor]]:
    batches = [piece.clips for piece in pieces if isinstance(piece, Piece)]
    vectors = torch.empty(0, 0)
    if batches:
        vectors = recipe.embed({key: torch.cat([batch[key] for batch in batches]) for key in batches[0]})
    yield from zip(pieces, vectors.split([len(piece) for piece in pieces]), strict=True)


def _changes(before: ClipIndex | None, now: ClipIndex) -> tuple[int, int]:
    """How many videos were embedded since, and how many have vanished."""
    stamps = dict(zip(before.names, before.stamps, strict=True)) if before else {}
    videos = zip(now.names, now.stamps, now.errors, strict=True)
    embedded = sum(not error and stamps.get(name) != stamp for name, stamp, error in videos)
    return embedded, len(stamps.keys() - set(now.names))


def _write_unreadable(path: Path, reasons: Mapping[str, str]) -> None:
    table = unreadable_table(path)
    if not reasons:
        table.unlink(missing_ok=True)
        return
    with (
        atomic_write(table) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        csv.writer(file).writerows([("path", "reason"), *reasons.items()])


def unreadable_table(path: Path) -> Path:
    """Where the videos that cannot be read are named."""
    return path.with_name(f"{path.name}.unreadable.csv")
