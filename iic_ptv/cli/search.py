"""``iic search``: find the videos of an index that are most like a clip."""

from __future__ import annotations

import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "search",
        help="find the videos of an index that are most like a clip",
        description="Find the videos of an index of which some clip is most similar to the query, and where in them "
        "it is. The query itself, if it is in the index, is left out; copies of it are not.",
    )
    parser.add_argument("index", metavar="INDEX", help="an index of `iic index`")
    parser.add_argument("query", metavar="VIDEO", help="the video to search with")
    parser.add_argument(
        "--at", metavar="TIME", help="search with the one clip that begins there, like 12.5, 12.5s or 1:02; by "
        "default with clips from all over the video, each of which may be what is found"
    )  # fmt: skip
    parser.add_argument("-k", type=int, default=10, metavar="N", help="videos to find (default: 10)")
    parser.add_argument("--include-query", action="store_true", help="show the query itself, too")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print JSON instead of a table")
    output.add_argument("--html", metavar="FILE", help="write a page with film strips instead of a table")
    parser.add_argument(
        "--engine",
        choices=("exact", "faiss", "faiss-ivf"),
        default="exact",
        help="exact: compare with all clips (the default); faiss: the same with faiss; faiss-ivf: compare with some, "
        "for millions of clips, may miss a few, and keeps its lists in a hidden file beside the index",
    )
    parser.add_argument("--checkpoint", metavar="RUN", help="where the index's network is, if it was moved")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Search, and show what was found."""
    from iic_ptv.runs.search.search import SearchRequest, search_command

    search_command(
        SearchRequest(
            options.index,
            options.query,
            options.at,
            options.k,
            options.engine,
            options.include_query,
            options.checkpoint,
            options.json,
            options.html,
        )
    )
