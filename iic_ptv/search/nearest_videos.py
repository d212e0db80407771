"""From the most similar clips to the most similar videos."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.evaluation.checks import check_same_size
from iic_ptv.search.engine import Engine

MARGIN = 1e-5  # far more than products of vectors of norm 1 are off in float32
DECIMALS = 9  # of similarities that count as equal; they are computed to 15
FIRST_FETCH = 64
MANY = 1 << 14  # clips; among so many, those equally similar are told apart whatever it takes
RESCORED_AT_ONCE = 4096


@dataclass(frozen=True)
class Match:
    """A video that was found.

    Attributes:
        video: its row.
        similarity: cosine similarity, in [-1, 1], of the two clips that are most alike.
        clip: its clip of the two, a row of the vectors.
        query: the query's.
    """

    video: int
    similarity: float
    clip: int
    query: int


def nearest_videos(
    queries: Tensor, engine: Engine, video_of_clip: Tensor, k: int, exclude: Collection[int] = ()
) -> list[Match]:
    """Find the videos of which some clip is most similar to some clip of the query.

    Videos equally similar come in the order of their rows, whatever the engine and its blocks: the similarities of
    what an exact engine finds are computed again in float64. An engine that is not exact may miss some.

    Args:
        queries: ``(Q, D)`` float32, of norm 1, the clips of the query.
        engine: what finds clips.
        video_of_clip: ``(C,)`` long, the row of every clip's video; clips of a video stand together.
        k: videos to find; fewer are found if there are no more.
        exclude: rows of videos that are not to be found, such as the query itself.

    Returns:
        The videos, the most similar first.

    Raises:
        InputError: ``k`` is below 1, there are no clips, or vectors differ in size.

    Example:
        >>> engine = ExactEngine(torch.eye(3))  # doctest: +SKIP
        >>> nearest_videos(torch.eye(3)[2:], engine, torch.tensor([0, 0, 1]), k=1)  # doctest: +SKIP
        [Match(video=1, similarity=1.0, clip=2, query=0)]
    """
    if k < 1:
        raise InputError(f"k: expected the number of videos to find, at least 1; got {k}.")
    if not len(video_of_clip):
        raise InputError("There is nothing to search in: the index has no clips.")
    check_same_size(queries, engine.vectors)
    clips_of_video = video_of_clip.bincount()
    clips_of_video[list(exclude)] = 0
    k = min(k, int((clips_of_video > 0).sum()))
    if not k:
        return []
    pairs = _candidates(queries, engine, video_of_clip, k, exclude)
    matches: dict[int, Match] = {}
    for match in sorted(_rescored(queries, engine.vectors, video_of_clip, pairs), key=_rank):
        matches.setdefault(match.video, match)
    return list(matches.values())[:k]


def _candidates(queries: Tensor, engine: Engine, video_of_clip: Tensor, k: int, exclude: Collection[int]) -> Tensor:
    """Pairs of a query and a clip, ``(P, 2)``, among which are the best ones of the k most similar videos.

    More and more clips are fetched until no pair that was not can belong to them, or so many that k videos must be
    among them; these are enough, unless even more clips are equally similar.
    """
    count = len(video_of_clip)
    longest = int(video_of_clip.bincount().max())
    fetch = FIRST_FETCH + 8 * (k + len(exclude))
    enough = min(max(MANY, (k + len(exclude)) * longest), count)
    while True:
        fetch = min(fetch, enough)
        similarity, clip = engine.nearest(queries, fetch)
        not_fetched = similarity[:, -1].max()  # no other pair is more similar
        video = video_of_clip[clip.clamp(min=0)]
        for row in exclude:
            similarity = similarity.masked_fill(video == row, -torch.inf)
        best = similarity.new_full((int(video_of_clip[-1]) + 1,), -torch.inf)
        best = best.scatter_reduce(0, video.flatten(), similarity.flatten(), "amax")
        least = best.topk(k).values[-1]
        if fetch == enough or least > not_fetched + MARGIN:
            break
        fetch *= 4
    is_near = similarity.isfinite() & (similarity >= best[video] - MARGIN) & (best[video] >= least - MARGIN)
    query, place = is_near.nonzero(as_tuple=True)
    return torch.stack([query, clip[query, place]], dim=1)


def _rescored(queries: Tensor, vectors: Tensor, video_of_clip: Tensor, pairs: Tensor) -> list[Match]:
    """The pairs with similarities that do not depend on how they were found."""
    similarity = torch.cat(
        [
            (queries[query].double() * vectors[clip].double()).sum(dim=1).round(decimals=DECIMALS)
            for query, clip in (part.unbind(dim=1) for part in pairs.split(RESCORED_AT_ONCE))
        ]
    )
    query, clip = pairs.unbind(dim=1)
    columns = video_of_clip[clip].tolist(), similarity.tolist(), clip.tolist(), query.tolist()
    return [Match(*row) for row in zip(*columns, strict=True)]


def _rank(match: Match) -> tuple[float, int, int, int]:
    return -match.similarity, match.video, match.clip, match.query
