"""Searching a folder of videos, from files to hits."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from numbered_videos import write_numbered_video
from recipes import small_recipe

from iic_ptv.data.collections import any_folder
from iic_ptv.search.clip_index import ClipIndex, Origin, read_index
from iic_ptv.search.clip_plan import ClipPlan
from iic_ptv.search.embedding import embed_query
from iic_ptv.search.engine import ExactEngine
from iic_ptv.search.faiss_engine import faiss_flat
from iic_ptv.search.hits import rows_of_file, search
from iic_ptv.search.page import hits_gallery
from iic_ptv.search.update import update_index

RECIPE = small_recipe(plan=ClipPlan(every=0.12, least=2, most=500))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three short videos and a long one: 10 seconds."""
    root = tmp_path_factory.mktemp("videos")
    for number in range(3):
        write_numbered_video(root / f"{number}.mp4", 20, first=20 * number)
    write_numbered_video(root / "long.mp4", 250, first=0)
    shutil.copy(root / "1.mp4", root / "copy of 1.mp4")
    return root


@pytest.fixture(scope="module")
def index(folder, tmp_path_factory) -> ClipIndex:
    path = tmp_path_factory.mktemp("index") / "my.index"
    update_index(path, any_folder(folder), RECIPE, Origin(str(folder)), progress=False)
    return read_index(path)


@pytest.mark.parametrize("make_engine", [ExactEngine, faiss_flat])
def test_a_moment_deep_in_a_long_video_is_found_there(folder, index, make_engine, tmp_path) -> None:
    part = write_numbered_video(tmp_path / "part.mp4", 8, first=150)  # as in the long one from 6.00 s on
    hits = search(index, embed_query(str(part), RECIPE, at=0.0), make_engine(index.vectors), k=2)
    assert hits[0].path == str(folder / "long.mp4")
    assert hits[0].seconds == pytest.approx(6.0, abs=0.06)
    assert hits[0].query_seconds == 0
    assert 1 >= hits[0].similarity > hits[1].similarity


def test_every_clip_of_a_query_may_be_the_one(folder, index) -> None:
    query = embed_query(str(folder / "2.mp4"), RECIPE)
    (hit,) = search(index, query, ExactEngine(index.vectors), k=1)
    assert (hit.path, hit.similarity) == (str(folder / "2.mp4"), pytest.approx(1, abs=1e-6))
    assert hit.seconds == hit.query_seconds


def test_the_query_itself_can_be_left_out_by_any_name_and_its_copies_stay(folder, index, tmp_path) -> None:
    (tmp_path / "link.mp4").symlink_to(folder / "1.mp4")
    query = embed_query(str(folder / "1.mp4"), RECIPE)
    for name in (folder / "1.mp4", folder / ".." / folder.name / "1.mp4", tmp_path / "link.mp4"):
        hits = search(index, query, ExactEngine(index.vectors), k=10, without=name)
        assert [Path(hit.path).name for hit in hits][:1] == ["copy of 1.mp4"]
        assert len(hits) == 4
    assert rows_of_file(index, folder / "1.mp4") == [index.names.index("1.mp4")]
    assert rows_of_file(index, tmp_path / "none.mp4") == []
    shutil.copy2(folder / "1.mp4", tmp_path / "same time.mp4")
    assert rows_of_file(index, tmp_path / "same time.mp4") == []


def test_hits_are_shown_where_they_are(folder, index) -> None:
    query = folder / "2.mp4"
    hits = search(index, embed_query(str(query), RECIPE), ExactEngine(index.vectors), k=4)
    (row,) = hits_gallery(str(query), hits, str(folder), RECIPE.reader).rows
    (found,) = row.neighbours.values()
    assert [strip.video_name for strip in found] == [os.path.basename(hit.path) for hit in hits]
    assert [strip.similarity for strip in found] == [hit.similarity for hit in hits]
    assert found[0].note.startswith("1. at 0:0")
    assert found[0].href == f"{query.as_uri()}#t={hits[0].seconds:.2f}"
    assert torch.equal(found[0].clip, row.query.clip), "the same clip of the same video"
    assert found[0].clip.shape == (3, 4, 32, 64), "not scaled as for the network"
    assert found[0].seconds == pytest.approx(4 / 25)


def test_a_hit_that_is_gone_is_said_to_be(folder, index, tmp_path) -> None:
    shutil.copytree(folder, tmp_path / "videos")
    query = str(tmp_path / "videos" / "0.mp4")
    update_index(tmp_path / "i", any_folder(tmp_path / "videos"), RECIPE, Origin(str(tmp_path / "videos")))
    there = read_index(tmp_path / "i")
    hits = search(there, embed_query(query, RECIPE), ExactEngine(there.vectors), without=query)
    (tmp_path / "videos" / "2.mp4").unlink()
    (row,) = hits_gallery(query, hits, there.origin.folder, RECIPE.reader).rows
    notes = {strip.video_name: strip.note for strip in row.neighbours[""]}
    assert "cannot be read now: No such file" in notes["2.mp4"]
    assert "cannot" not in notes["1.mp4"]
