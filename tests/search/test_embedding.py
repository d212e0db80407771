"""Vectors of clips and of queries."""

import pytest
import torch
import torch.nn.functional as F
from numbered_videos import read_numbers, write_numbered_video
from recipes import CLIP_LENGTH, small_recipe

from iic_ptv.data.decoding import VideoError, open_video
from iic_ptv.data.index import Video
from iic_ptv.errors import InputError
from iic_ptv.search.clip_plan import ClipPlan
from iic_ptv.search.embedding import embed_query
from iic_ptv.search.reading import CLIPS_AT_ONCE, Piece, Unreadable, read_pieces


@pytest.fixture(scope="module")
def recipe():
    return small_recipe()


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> str:
    """Four seconds."""
    return str(write_numbered_video(tmp_path_factory.mktemp("video") / "video.mp4", 100))


def test_a_vector_is_the_joint_features_of_its_clip(recipe, video) -> None:
    query = embed_query(video, recipe, at=1.0)
    assert query.seconds.tolist() == [1.0]
    with open_video(video) as reader:
        clip = reader.frames(range(25, 25 + CLIP_LENGTH), (16, 16))[None].float() / 255
    network = recipe.embed.models["rgb"]
    with torch.inference_mode():
        joint = torch.cat([network(view(clip)) for view in recipe.embed.views.values()], dim=1)
    assert query.vectors.shape == (1, 2 * network.feature_dim)
    assert torch.allclose(query.vectors, F.normalize(joint, dim=1), atol=1e-5)


def test_clips_of_a_query_are_those_of_the_plan(recipe, video) -> None:
    query = embed_query(video, recipe)
    assert query.seconds.tolist() == pytest.approx([0, 0.96, 1.92, 2.88, 3.84])
    for seconds, vector in zip(query.seconds.tolist(), query.vectors, strict=True):
        assert torch.allclose(embed_query(video, recipe, at=seconds).vectors[0], vector, atol=1e-6)


def test_a_clip_near_the_end_is_the_last(recipe, video) -> None:
    assert embed_query(video, recipe, at=4.0).seconds.tolist() == pytest.approx([3.84])


def test_a_time_beyond_the_end_is_answered_with_the_length(recipe, video) -> None:
    with pytest.raises(InputError, match=r"video.mp4: there is no clip at 1:02.0; it lasts 0:04.0\."):
        embed_query(video, recipe, at=62)


def test_a_query_that_is_no_video_is_refused(recipe, bad_files) -> None:
    for fault in ("text", "empty", "truncated", "sound", "missing", "folder"):
        with pytest.raises(VideoError, match=str(bad_files[fault])):
            embed_query(str(bad_files[fault]), recipe)


def test_a_network_that_has_diverged_is_refused(video) -> None:
    recipe = small_recipe()
    next(recipe.embed.models["rgb"].parameters()).data.fill_(torch.nan)
    with pytest.raises(InputError, match="NaN or infinite: the network has diverged"):
        embed_query(video, recipe)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_all_clips_of_all_videos_are_read(num_workers, recipe, tmp_path, bad_files) -> None:
    paths = [write_numbered_video(tmp_path / f"{row}.mp4", 20 + row, first=10 * row) for row in range(5)]
    videos = [Video(str(path), path.name) for path in [*paths, bad_files["text"]]]
    plan = ClipPlan(every=0.04, least=1, most=1000)  # every frame begins a clip
    pieces = list(read_pieces(videos, recipe.reader, plan, num_workers))
    (bad,) = (piece for piece in pieces if isinstance(piece, Unreadable))
    assert bad.row == 5
    assert "not a video" in bad.reason
    for row in range(5):
        of_video = [piece for piece in pieces if isinstance(piece, Piece) and piece.row == row]
        assert [piece.is_last for piece in of_video] == [False] * (len(of_video) - 1) + [True]
        assert all(len(piece.seconds) == len(piece.clips["video"]) <= CLIPS_AT_ONCE for piece in of_video)
        starts = [round(25 * seconds) for piece in of_video for seconds in piece.seconds.tolist()]
        assert starts == list(range(20 + row - CLIP_LENGTH + 1))
        numbers = [read_numbers(clip) for piece in of_video for clip in piece.clips["video"]]
        assert numbers == [[10 * row + start + frame for frame in range(CLIP_LENGTH)] for start in starts]


def test_a_video_that_takes_too_long_is_unreadable(tmp_path, recipe, video) -> None:
    slow = small_recipe(time_limit=1e-4)
    (piece,) = read_pieces([Video(video, "video.mp4")], slow.reader, slow.plan)
    assert isinstance(piece, Unreadable)
    assert "took longer" in piece.reason
