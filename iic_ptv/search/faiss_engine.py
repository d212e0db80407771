"""Engines of faiss, for large indices."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.files.atomic import atomic_write
from iic_ptv.search.clip_index import ClipIndex

BLOCK_SIZE = 1 << 15  # clips that are handed over at once
LEAST_PROBES, LISTS_PER_PROBE = 16, 32
TRAINING_CLIPS_PER_LIST = 40  # as faiss advises
NOTHING = -1  # where faiss finds fewer than it was asked for


class FaissEngine:
    """Asks an index of faiss.

    Args:
        index: the index, by inner product.
        vectors: ``(C, D)`` float32, of norm 1: what it is of.
    """

    def __init__(self, index: Any, vectors: Tensor) -> None:
        self.index = index
        self.vectors = vectors

    def nearest(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """See :meth:`Engine.nearest`."""
        similarity, clip = map(torch.from_numpy, self.index.search(queries.numpy(), k))
        return similarity.masked_fill(clip == NOTHING, -math.inf), clip


def faiss_flat(vectors: Tensor) -> FaissEngine:
    """faiss' exact engine, ``IndexFlatIP``: finds what :class:`ExactEngine` finds. It keeps a copy of the vectors.

    Raises:
        InputError: faiss is not installed.
    """
    index = _faiss().IndexFlatIP(vectors.shape[1])
    index.add(vectors.numpy())
    return FaissEngine(index, vectors)


def faiss_ivf(vectors: Tensor, num_probes: int | None = None) -> FaissEngine:
    """faiss' ``IndexIVFFlat``, for millions of clips: they are sorted into lists, and a query looks into a few of them.

    What it finds is not always what is nearest; how often it is, is measured in ``projects/benchmarks``.

    Args:
        vectors: ``(C, D)`` float32, of norm 1.
        num_probes: lists to look into, of the square root of C; by default 16 or a 32nd of them.

    Raises:
        InputError: faiss is not installed.
    """
    faiss = _faiss()
    count, size = vectors.shape
    num_lists = max(round(math.sqrt(count)), 1)
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, num_lists, faiss.METRIC_INNER_PRODUCT)
    sample = torch.linspace(0, count - 1, min(TRAINING_CLIPS_PER_LIST * num_lists, count)).long()
    index.cp.min_points_per_centroid = 1  # or it warns of small indices
    index.train(vectors[sample].numpy())
    for block in vectors.split(BLOCK_SIZE):
        index.add(block.numpy())
    index.nprobe = num_probes or max(LEAST_PROBES, num_lists // LISTS_PER_PROBE)
    return FaissEngine(index, vectors)


def stored_faiss_ivf(index: ClipIndex, path: Path) -> FaissEngine:
    """:func:`faiss_ivf` of an index, from a hidden file beside it, which is written when there is none that fits.

    Args:
        index: the index.
        path: its file.

    Raises:
        InputError: faiss is not installed, or the file cannot be written.
    """
    faiss = _faiss()
    file = path.with_name(f".{path.name}.{index.digest[:16]}.ivf")
    if not file.is_file():
        try:
            with atomic_write(file) as temporary:
                faiss.write_index(faiss_ivf(index.vectors).index, os.fspath(temporary))
        except (OSError, RuntimeError) as error:
            raise InputError(f"{file}: faiss' lists cannot be written there ({error}).") from error
        for old in path.parent.glob(f".{path.name}.*.ivf"):
            if old != file:
                old.unlink()
    return FaissEngine(faiss.read_index(os.fspath(file), faiss.IO_FLAG_MMAP), index.vectors)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise InputError(
            'This engine needs faiss: pip install "iic-ptv[faiss]", or use the exact engine, which needs nothing.'
        ) from error
    return faiss
