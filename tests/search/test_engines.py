"""Engines against the obvious."""

import sys

import pytest
import torch
import torch.nn.functional as F

from iic_ptv.errors import InputError
from iic_ptv.search.clip_index import ClipIndex, IndexedVideo, Origin, Stamp
from iic_ptv.search.engine import ExactEngine
from iic_ptv.search.faiss_engine import faiss_flat, faiss_ivf, stored_faiss_ivf


def unit_vectors(count: int, size: int = 16, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(count, size, generator=torch.Generator().manual_seed(seed)), dim=1)


VECTORS = unit_vectors(500)
QUERIES = unit_vectors(7, seed=1)


@pytest.mark.parametrize("k", [1, 9, 500])
@pytest.mark.parametrize(
    "engine",
    [*(ExactEngine(VECTORS, block_size) for block_size in (1, 7, 499, 500, 10_000)), faiss_flat(VECTORS)],
    ids=lambda engine: f"{type(engine).__name__}-{getattr(engine, 'block_size', '')}",
)
def test_exact_engines_find_what_sorting_all_finds(engine, k) -> None:
    similarity, clip = engine.nearest(QUERIES, k)
    expected, order = (QUERIES.double() @ VECTORS.double().T).sort(dim=1, descending=True)
    assert torch.equal(clip, order[:, :k])
    assert torch.allclose(similarity.double(), expected[:, :k], atol=1e-6)


def test_ivf_that_looks_everywhere_finds_what_is_nearest() -> None:
    _, clip = faiss_ivf(VECTORS, num_probes=10_000).nearest(QUERIES, 10)
    assert torch.equal(clip, ExactEngine(VECTORS).nearest(QUERIES, 10)[1])


def test_ivf_says_where_it_finds_no_more() -> None:
    similarity, clip = faiss_ivf(VECTORS, num_probes=1).nearest(QUERIES, 400)
    assert torch.equal(similarity.isinf(), clip == -1)
    assert (clip[:, -1] == -1).all()
    assert (clip[:, 0] >= 0).all()


@pytest.mark.parametrize("count", [1, 2, 50])
def test_ivf_takes_small_indices(count) -> None:
    _, clip = faiss_ivf(VECTORS[:count]).nearest(VECTORS[:1], 1)
    assert clip.item() == 0


def make_index(vectors: torch.Tensor) -> ClipIndex:
    video = IndexedVideo("a.mp4", Stamp(len(vectors), 1), torch.arange(len(vectors)).double(), vectors)
    return ClipIndex.of([video], {}, Origin("/videos"))


def test_lists_are_kept_until_the_index_changes(tmp_path) -> None:
    path = tmp_path / "my.index"
    index = make_index(VECTORS)
    first = stored_faiss_ivf(index, path).nearest(QUERIES, 5)
    (lists,) = tmp_path.iterdir()
    written = lists.stat().st_mtime_ns
    again = stored_faiss_ivf(index, path).nearest(QUERIES, 5)
    assert (lists.stat().st_mtime_ns, again[1].tolist()) == (written, first[1].tolist())

    _, clip = stored_faiss_ivf(make_index(QUERIES), path).nearest(QUERIES, 1)
    assert clip.flatten().tolist() == list(range(len(QUERIES)))
    assert not lists.exists()
    assert len(list(tmp_path.iterdir())) == 1


def test_without_faiss_one_is_told_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(InputError, match=r'needs faiss: pip install "iic-ptv\[faiss\]", or use the exact engine'):
        faiss_flat(VECTORS)
