"""What a search finds, as a page with film strips."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.decoding import VideoError
from iic_ptv.data.index import Video
from iic_ptv.evaluation.sections import FilmStrip, Gallery, GalleryRow
from iic_ptv.search.clock import format_time
from iic_ptv.search.hits import Hit
from iic_ptv.search.reading import read_clips
from iic_ptv.transforms.sampling import span

BLANK = torch.full((3, 1, 96, 128), 128, dtype=torch.uint8)


def hits_gallery(query: str, hits: Sequence[Hit], folder: str, reader: ClipReader) -> Gallery:
    """The clip of the query that was found best, and the clips that it was found in.

    A click on the name of a video opens it at the clip.

    Args:
        query: the video that was searched with.
        hits: what was found.
        folder: that of the collection, which is left out of the names.
        reader: how clips were read; they are shown in their own size.
    """
    reader = replace(reader, size=None, flow=None)
    asked = _film_strip(query, os.path.basename(query), hits[0].query_seconds, reader)
    strips = [_film_strip(hit.path, os.path.relpath(hit.path, folder), hit.seconds, reader) for hit in hits]
    found = [
        replace(strip, note=f"{rank}. {strip.note}", similarity=hit.similarity)
        for rank, (strip, hit) in enumerate(zip(strips, hits, strict=True), start=1)
    ]
    return Gallery(
        [GalleryRow(asked, {"": found})],
        "The query is shown where it is most like the first of the videos found; these, where they are most like it. "
        "A click on a name opens the video there.",
        title="Nearest videos",
    )


def _film_strip(path: str, name: str, seconds: float, reader: ClipReader) -> FilmStrip:
    """The clip of a video that begins at a time; a grey one if the video cannot be read any more."""
    try:
        with reader.open(Video(path, name)) as opened:
            frames, length = opened.video.index, span(reader.clip_length, opened.stride)
            start = frames.frame_at(seconds)
            clip = read_clips(opened, [start])["video"][0]
            lasts = frames.duration * min(length / frames.num_frames, 1)
    except VideoError as error:
        return FilmStrip(BLANK, "", shown(name), note=f"cannot be read now: {error.reason}")
    href = f"{Path(path).absolute().as_uri()}#t={seconds:.2f}"
    return FilmStrip(clip, "", shown(name), note=f"at {format_time(seconds)}", href=href, seconds=lasts)


def shown(name: str) -> str:
    """A name that can be printed; those of files need not be proper text."""
    return os.fsencode(name).decode(errors="replace")
