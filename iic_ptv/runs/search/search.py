"""What ``iic search`` does: find the videos of an index that are most like a clip."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from iic_ptv.config import parse_config
from iic_ptv.errors import InputError
from iic_ptv.evaluation.report import Report, write_report
from iic_ptv.runs.checkpoint import read_checkpoint
from iic_ptv.runs.folder import command_line, versions
from iic_ptv.runs.search.index_folder import build_recipe, checkpoint_of, plan_of
from iic_ptv.runs.terminal import console, counted, say
from iic_ptv.search.clip_index import ClipIndex, read_index
from iic_ptv.search.clip_plan import ClipPlan
from iic_ptv.search.clock import format_time, parse_time
from iic_ptv.search.embedding import Query, Recipe, embed_query
from iic_ptv.search.engine import Engine, ExactEngine
from iic_ptv.search.faiss_engine import faiss_flat, stored_faiss_ivf
from iic_ptv.search.hits import Hit, search
from iic_ptv.search.page import hits_gallery, shown
from iic_ptv.search.settings import check_settings

ENGINES: dict[str, Callable[[ClipIndex, Path], Engine]] = {
    "exact": lambda index, path: ExactEngine(index.vectors),
    "faiss": lambda index, path: faiss_flat(index.vectors),
    "faiss-ivf": stored_faiss_ivf,
}


@dataclass(frozen=True)
class SearchRequest:
    """What was asked for on the command line.

    Attributes:
        index: the index.
        query: the video to search with.
        at: where the clip to search with begins in it; None: clips all over it.
        k: how many videos to find.
        engine: one of :data:`ENGINES`.
        include_query: show the query itself, too, if it is in the index.
        checkpoint: where the network of the index is by now; None: where it was.
        as_json: print JSON instead of a table.
        html: write a page.
    """

    index: str
    query: str
    at: str | None
    k: int
    engine: str
    include_query: bool
    checkpoint: str | None
    as_json: bool
    html: str | None


def search_command(request: SearchRequest) -> None:
    """Search, and show what was found."""
    if request.k < 1:
        raise InputError(f"-k: expected the number of videos to find, at least 1; got {request.k}.")
    at = None if request.at is None else parse_time(request.at)
    index = read_index(request.index)
    if not len(index.vectors):
        raise InputError(f"{request.index}: there is nothing to search in: none of its videos can be read.")
    recipe = _recipe(request, index)
    query = embed_query(request.query, recipe, at)
    engine = ENGINES[request.engine](index, Path(request.index))
    without = None if request.include_query else request.query
    hits = search(index, query, engine, request.k, without)
    if not hits:
        raise InputError(f"{request.index}: the query is the only video in it; --include-query would show it.")
    if request.as_json:
        print(json.dumps(_as_json(request, hits), indent=2))
    elif request.html:
        _write_page(Path(request.html), request, index, query, hits, recipe)
        say(f"page: {request.html}")
    else:
        say(_summary(request, index, query, hits))
        console.print(_table(index, query, hits))


def _recipe(request: SearchRequest, index: ClipIndex) -> Recipe:
    """The recipe of the index, with its network from where it is."""
    checkpoint = read_checkpoint(request.checkpoint) if request.checkpoint else checkpoint_of(index, request.index)
    cfg = parse_config(index.origin.config, request.index)
    if checkpoint is not None:
        cfg.MODEL, cfg.VIEWS = checkpoint.config.MODEL, checkpoint.config.VIEWS
    recipe = build_recipe(cfg, checkpoint, ClipPlan(**plan_of(index)))
    check_settings(request.index, index.settings, recipe.settings)
    return recipe


def _as_json(request: SearchRequest, hits: list[Hit]) -> dict[str, object]:
    found = [{"rank": rank, **asdict(hit)} for rank, hit in enumerate(hits, start=1)]
    return {"index": request.index, "query": request.query, "hits": found}


def _table(index: ClipIndex, query: Query, hits: list[Hit]) -> Table:
    several = len(query.seconds) > 1
    table = Table()
    for head in ("", "similarity", "at", *(["query at"] if several else [])):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("video", overflow="fold")
    for rank, hit in enumerate(hits, start=1):
        times = [format_time(hit.seconds), *([format_time(hit.query_seconds)] if several else [])]
        table.add_row(str(rank), f"{hit.similarity:.3f}", *times, Text(shown(_name(index, hit))))
    return table


def _summary(request: SearchRequest, index: ClipIndex, query: Query, hits: list[Hit]) -> str:
    videos = int((index.num_clips > 0).sum())
    found = "video, and where in it" if len(hits) == 1 else "videos, and where in them"
    return (
        f"{counted(len(query.seconds), 'clip')} of {shown(os.path.basename(request.query))} against "
        f"{counted(len(index.vectors), 'clip')} of {counted(videos, 'video')} in {shown(request.index)}: "
        f"the {f'{len(hits)} ' if len(hits) > 1 else ''}most similar {found}."
    )


def _name(index: ClipIndex, hit: Hit) -> str:
    return os.path.relpath(hit.path, index.origin.folder)


def _write_page(
    path: Path, request: SearchRequest, index: ClipIndex, query: Query, hits: list[Hit], recipe: Recipe
) -> None:
    report = Report(
        title=f"Videos like {shown(os.path.basename(request.query))}",
        summary=_summary(request, index, query, hits),
        sections=[hits_gallery(request.query, hits, index.origin.folder, recipe.reader)],
        config_text=index.origin.config,
        versions=versions(),
        command=command_line(),
    )
    write_report(path, report)
