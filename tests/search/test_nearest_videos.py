"""From clips to videos, against the obvious."""

import pytest
import torch
import torch.nn.functional as F

from iic_ptv.errors import InputError
from iic_ptv.search.engine import ExactEngine
from iic_ptv.search.faiss_engine import faiss_flat
from iic_ptv.search.nearest_videos import Match, nearest_videos


def slow_nearest_videos(queries, vectors, video_of_clip, k, exclude=()) -> list[Match]:
    """Every pair of clips of every video, one after another."""
    best: dict[int, Match] = {}
    for clip, video in enumerate(video_of_clip.tolist()):
        for query in range(len(queries)):
            similarity = round(float(queries[query].double() @ vectors[clip].double()), 9)
            if video not in exclude and (video not in best or similarity > best[video].similarity):
                best[video] = Match(video, similarity, clip, query)
    return sorted(best.values(), key=lambda match: (-match.similarity, match.video))[:k]


def make_clips(num_videos: int, most_clips: int, seed: int, duplicates: int = 0, size: int = 8):
    generator = torch.Generator().manual_seed(seed)
    counts = torch.randint(1, most_clips + 1, (num_videos,), generator=generator)
    centres = torch.randn(num_videos, size, generator=generator)
    centres[num_videos - duplicates :] = centres[0].clone()
    video_of_clip = torch.arange(num_videos).repeat_interleave(counts)
    noise = torch.randn(len(video_of_clip), size, generator=generator)
    noise[video_of_clip >= num_videos - duplicates] = noise[0].clone()
    return F.normalize(centres[video_of_clip] + 0.1 * noise, dim=1), video_of_clip


@pytest.mark.parametrize("make_engine", [ExactEngine, lambda vectors: ExactEngine(vectors, 37), faiss_flat])
@pytest.mark.parametrize("seed", range(5))
def test_engines_find_what_comparing_all_pairs_finds(make_engine, seed) -> None:
    vectors, video_of_clip = make_clips(40, 12, seed, duplicates=3 * (seed % 2))
    queries = torch.cat([vectors[:2], F.normalize(torch.randn(2, 8, generator=torch.Generator().manual_seed(seed)))])
    engine = make_engine(vectors)
    for k in (1, 3, 40, 100):
        for exclude in ((), (0,), (0, 39)):
            expected = slow_nearest_videos(queries, vectors, video_of_clip, k, exclude)
            found = nearest_videos(queries, engine, video_of_clip, k, exclude)
            assert [match.video for match in found] == [match.video for match in expected]
            assert [match.similarity for match in found] == pytest.approx([m.similarity for m in expected], abs=1e-8)


def test_copies_of_a_video_come_in_their_order() -> None:
    vectors = F.normalize(torch.randn(1, 8), dim=1).expand(300, 8).contiguous()
    for make_engine in (ExactEngine, faiss_flat):
        found = nearest_videos(vectors[:1], make_engine(vectors), torch.arange(100).repeat_interleave(3), k=5)
        assert [(match.video, match.clip) for match in found] == [(video, 3 * video) for video in range(5)]


def test_long_videos_do_not_hide_others() -> None:
    """Hundreds of clips of one video are nearer than the best of any other."""
    towards, other = F.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.5]]), dim=1)
    vectors = torch.cat([towards.expand(900, 2), other.expand(3, 2)])
    video_of_clip = torch.tensor([0] * 900 + [1, 2, 2])
    found = nearest_videos(towards[None], ExactEngine(vectors), video_of_clip, k=3)
    assert [match.video for match in found] == [0, 1, 2]
    assert found[1].similarity == found[2].similarity == pytest.approx(1 / 1.25**0.5)


def test_videos_without_clips_are_not_found() -> None:
    found = nearest_videos(torch.eye(2)[:1], ExactEngine(torch.eye(2)), torch.tensor([1, 4]), k=10)
    assert [match.video for match in found] == [1, 4]


def test_excluding_all_finds_nothing() -> None:
    assert nearest_videos(torch.eye(2)[:1], ExactEngine(torch.eye(2)), torch.tensor([0, 0]), 1, exclude=[0]) == []


def test_what_cannot_be_searched_is_refused() -> None:
    engine = ExactEngine(torch.eye(2))
    with pytest.raises(InputError, match="k: expected the number of videos to find, at least 1; got 0"):
        nearest_videos(torch.eye(2), engine, torch.tensor([0, 1]), k=0)
    with pytest.raises(InputError, match="dimensions"):
        nearest_videos(torch.eye(3), engine, torch.tensor([0, 1]), k=1)
    with pytest.raises(InputError, match="nothing to search in"):
        nearest_videos(torch.eye(2), ExactEngine(torch.empty(0, 2)), torch.empty(0, dtype=torch.long), k=1)
