"""Search in indices of 10,000 to 1,000,000 clips: latency, memory and what an engine takes to be ready.

    python -m projects.benchmarks.vector_search

What is measured goes into ``vector_search.json`` and the table of the README. It takes five
minutes, 4.5 GB of disk and 7 GB of memory, pages of files included.
"""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from iic_ptv.search.clip_index import ClipIndex, Origin, Stamp, read_index, write_index
from iic_ptv.search.engine import Engine, ExactEngine
from iic_ptv.search.faiss_engine import faiss_flat, stored_faiss_ivf
from iic_ptv.search.nearest_videos import nearest_videos
from projects.benchmarks import data
from projects.benchmarks.tables import Table
from projects.benchmarks.timing import in_new_process, round_robin, timed

SECTION = "vector_search"
RESULTS = Path(__file__).with_name("vector_search.json")
DIMENSIONS = 512
CLIPS_PER_VIDEO = 10
TOPICS = 1000
K = 10
QUERY_CLIPS = {"one": 1, "many": 32}  # `iic search --at`, and what it takes of a long video

ENGINES: dict[str, Callable[[ClipIndex, Path], Engine]] = {
    "exact": lambda index, path: ExactEngine(index.vectors),
    "faiss": lambda index, path: faiss_flat(index.vectors),
    "faiss-ivf": stored_faiss_ivf,
}


def measure(folder: Path, sizes: Sequence[int] = (10_000, 100_000, 1_000_000), num_queries: int = 20) -> dict[str, Any]:
    """Every engine on indices of so many clips.

    Args:
        folder: where the indices are written.
        sizes: clips of the indices.
        num_queries: videos to search with, which are in no index.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as `iic` does, for the processes that are started here
    results = []
    for size in sizes:
        path = folder / f"{size}.index"
        in_new_process(_write, path, size)
        lists_made_s = in_new_process(_get_ready, "faiss-ivf", path)["ready_s"]
        engines = {name: in_new_process(_get_ready, name, path) for name in ENGINES}
        results.append(
            {
                "clips": size,
                "lists_made_s": lists_made_s,
                "engines": engines,
                **in_new_process(_search, path, num_queries),
            }
        )
    return {"dimensions": DIMENSIONS, "queries": num_queries, "sizes": results}


def _write(path: Path, num_clips: int) -> None:
    """An index of videos of 10 clips each, of random topics; clips of a video are more alike than those of a topic."""
    num_videos = num_clips // CLIPS_PER_VIDEO
    vectors = _clips(num_videos, CLIPS_PER_VIDEO, seed=1)
    names = [f"topic/video{video:07}.mp4" for video in range(num_videos)]
    counts = torch.full((num_videos,), CLIPS_PER_VIDEO)
    seconds = torch.arange(CLIPS_PER_VIDEO).double().repeat(num_videos)
    stamps = [Stamp(video, 0) for video in range(num_videos)]
    write_index(path, ClipIndex(names, stamps, [""] * num_videos, counts, seconds, vectors, {}, Origin("/videos")))


def _clips(num_videos: int, clips_per_video: int, seed: int) -> Tensor:
    """Clips of random videos, of a topic each: cosines of about 0.8 within a video, and 0.5 within a topic."""
    topics = torch.randn(TOPICS, DIMENSIONS, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(seed)
    clips = torch.empty(num_videos, clips_per_video, DIMENSIONS)
    for block in clips.split(1000):  # so that memory is that of the result
        of_video = topics[torch.randint(TOPICS, (len(block),), generator=generator)]
        of_video = of_video + 0.8 * torch.randn(of_video.shape, generator=generator)
        block.copy_(of_video[:, None] + 0.6 * torch.randn(block.shape, generator=generator))
        block.copy_(F.normalize(block, dim=-1))
    return clips.flatten(0, 1)


def _get_ready(name: str, path: Path) -> dict[str, float]:
    """Seconds from the file to an engine that has answered once, and memory then, by this process alone."""
    before = _memory_mb()
    began = time.perf_counter()
    index = read_index(path)
    engine = ENGINES[name](index, path)
    nearest_videos(_clips(1, 1, seed=2), engine, index.video_of_clip, K)
    seconds = time.perf_counter() - began
    now = _memory_mb()
    return {"ready_s": round(seconds, 3), **{kind: now[kind] - before[kind] for kind in now}}


def _memory_mb() -> dict[str, int]:
    """Memory of the process: its own, and pages of files, which the system takes back when it needs them."""
    status = Path("/proc/self/status").read_text()
    kinds = {"own_mb": "RssAnon", "file_mb": "RssFile"}
    return {kind: int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) // 1000 for kind, name in kinds.items()}


def _search(path: Path, num_queries: int) -> dict[str, Any]:
    """Latency of all engines in turns, and how many of the videos that the exact engine finds IVF finds."""
    index = read_index(path)
    engines = {name: make(index, path) for name, make in ENGINES.items()}
    search = {
        name: partial(nearest_videos, engine=engine, video_of_clip=index.video_of_clip, k=K)
        for name, engine in engines.items()
    }
    alternatives = {name: timed(work) for name, work in search.items()}
    alternatives["floor"] = timed(lambda query: index.vectors @ query.T)  # of whatever compares with every clip
    latency = {}
    for kind, num_clips in QUERY_CLIPS.items():
        queries = list(_clips(num_queries, num_clips, seed=3).split(num_clips))
        for work in alternatives.values():
            work(queries[0])  # the first to touch a page waits for it
        seconds = round_robin(alternatives, queries)
        latency[kind] = {name: round(1000 * statistics.median(times), 3) for name, times in seconds.items()}
    queries = list(_clips(num_queries, 1, seed=3))
    found = {name: [{match.video for match in work(query[None])} for query in queries] for name, work in search.items()}
    recall = {
        name: round(
            statistics.mean(len(exact & other) / K for exact, other in zip(found["exact"], sets, strict=True)), 3
        )
        for name, sets in found.items()
    }
    return {"latency_ms": latency, "recall": recall, "threads": torch.get_num_threads()}


def tables(results: dict[str, Any]) -> list[Table]:
    """Latency, memory and readiness of all engines, by the size of the index."""
    title = (
        f"One query for {K} videos among clips of {results['dimensions']} dimensions, vectors in memory or in the file "
        f"cache, {results['sizes'][0]['threads']} threads; medians of {results['queries']} queries. Memory of its own, "
        "and pages of files, which the system takes back when it needs them"
    )
    columns = [
        "clips", "engine", "query of 1 clip, ms", "times the smallest", f"query of {QUERY_CLIPS['many']} clips, ms",
        f"recall@{K}", "ready after, s", "own memory, MB", "pages, MB",
    ]  # fmt: skip
    smallest = results["sizes"][0]["latency_ms"]["one"]
    return [Table(title, columns, [row for size in results["sizes"] for row in _rows(size, smallest)])]


def _rows(size: dict[str, Any], smallest: dict[str, float]) -> list[list[str]]:
    clips, (one, many) = f"{size['clips']:,}", (size["latency_ms"][kind] for kind in QUERY_CLIPS)
    rows = []
    for name, label in {"floor": "floor: products alone", **{name: name for name in ENGINES}}.items():
        latency = [f"{one[name]:.2f}", f"{one[name] / smallest[name]:.1f}", f"{many[name]:.1f}"]
        engine = [f"{size['recall'][name]:.3f}", *_cells(size, name)] if name in ENGINES else [""] * 4
        rows.append([clips, label, *latency, *engine])
    return rows


def _cells(size: dict[str, Any], name: str) -> list[str]:
    """How soon an engine is ready, and its memory."""
    engine = size["engines"][name]
    made = f" (lists made in {size['lists_made_s']:.1f})" if name == "faiss-ivf" else ""
    return [f"{engine['ready_s']:.2f}{made}", f"{engine['own_mb']:,}", f"{engine['file_mb']:,}"]


def main() -> None:
    """Measure, show the table, and write ``vector_search.json`` and the README's table."""
    data.measure_alone(SECTION, RESULTS)


if __name__ == "__main__":
    main()
