"""What a search finds: videos, and where in them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iic_ptv.search.clip_index import ClipIndex, Stamp
from iic_ptv.search.embedding import Query
from iic_ptv.search.engine import Engine
from iic_ptv.search.nearest_videos import nearest_videos


@dataclass(frozen=True)
class Hit:
    """A video that was found.

    Attributes:
        path: the video.
        similarity: cosine similarity, in [-1, 1], of its best clip to the query's.
        seconds: where that clip begins.
        query_seconds: where the clip of the query begins that it resembles.
    """

    path: str
    similarity: float
    seconds: float
    query_seconds: float


def search(
    index: ClipIndex, query: Query, engine: Engine, k: int = 10, without: str | os.PathLike[str] | None = None
) -> list[Hit]:
    """Find the videos of an index that are most similar to a query, by their most similar clips.

    Args:
        index: the index.
        query: clips of the query, embedded as the index was.
        engine: what finds clips among the index's vectors.
        k: videos to find.
        without: a file that is not to be found, under whatever name: the query itself.

    Returns:
        The videos, the most similar first.

    Raises:
        InputError: as :func:`~iic_ptv.search.nearest_videos.nearest_videos`.

    Example:
        >>> index = read_index("my.index")  # doctest: +SKIP
        >>> hits = search(index, embed_query("clip.mp4", recipe), ExactEngine(index.vectors))  # doctest: +SKIP
    """
    exclude = [] if without is None else rows_of_file(index, without)
    matches = nearest_videos(query.vectors, engine, index.video_of_clip, k, exclude)
    return [
        Hit(
            os.path.join(index.origin.folder, index.names[match.video]),
            min(match.similarity, 1.0),  # norms are 1 to seven digits
            index.seconds[match.clip].item(),
            query.seconds[match.query].item(),
        )
        for match in matches
    ]


def rows_of_file(index: ClipIndex, path: str | os.PathLike[str]) -> Sequence[int]:
    """Rows of the videos that are this very file; copies of it are others."""
    if not os.path.exists(path):
        return []
    stamp, folder = Stamp.of(os.fspath(path)), Path(index.origin.folder)
    alike = [row for row, other in enumerate(index.stamps) if other == stamp]
    return [row for row in alike if (found := folder / index.names[row]).exists() and os.path.samefile(found, path)]
