"""From clips to the vectors that an index holds, for its videos and for queries alike."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iic_ptv.data.clip_reader import Clip, ClipReader
from iic_ptv.data.decoding.time_limit import time_limit
from iic_ptv.data.index import Video
from iic_ptv.errors import InputError
from iic_ptv.evaluation.features import VIDEO_KEY, Transform
from iic_ptv.evaluation.forward_pass import FULL_PRECISION, embed_clips
from iic_ptv.search.clip_plan import ClipPlan
from iic_ptv.search.clock import format_time
from iic_ptv.search.reading import CLIPS_AT_ONCE, read_clips
from iic_ptv.transforms.sampling import span

MOST_QUERY_CLIPS = 32  # each is compared with all clips of an index


class ClipEmbedder:
    """Makes a vector of every clip: the features of its views, joined and brought to norm 1.

    As in the paper's joint retrieval, the views are concatenated as they are.

    Args:
        models: the network of every view, by its name.
        views: the views by name, see :func:`~iic_ptv.evaluation.features.extract_view_features`.
        transform: what happens to a batch of bytes on the device before the views are taken.
        device: where to compute; the networks are moved there.
        precision: see :func:`~iic_ptv.evaluation.forward_pass.check_precision`; one of the settings of an index.
    """

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        views: Mapping[str, nn.Module],
        transform: Transform,
        device: torch.device | str = "cpu",
        precision: str = FULL_PRECISION,
    ) -> None:
        self.models = {name: models[name].to(device).eval() for name in views}
        self.views = views
        self.transform = transform
        self.device = device
        self.precision = precision

    def __call__(self, clips: Clip) -> Tensor:
        """Embed clips.

        Args:
            clips: by key, such as ``video``, uint8 ``(n, C, T, H, W)``.

        Returns:
            ``(n, D)`` float32 on the CPU.

        Raises:
            InputError: the network gives out NaN or infinity.
        """
        batch = self.transform({key: clip.to(self.device) for key, clip in clips.items()})
        features = torch.cat(
            [
                embed_clips(self.models[name], view, batch[getattr(view, "modality_key", VIDEO_KEY)], self.precision)
                for name, view in self.views.items()
            ],
            dim=1,
        ).cpu()
        if not features.isfinite().all():
            raise InputError("The features of a clip are NaN or infinite: the network has diverged; use another one.")
        return F.normalize(features, dim=1)


@dataclass(frozen=True, eq=False)
class Recipe:
    """All that makes vectors of videos, of an index and of a query alike.

    Attributes:
        reader: how clips are read, all at one size.
        plan: which clips of a video.
        embed: from clips to vectors.
        settings: by name, all that the vectors depend on; see :func:`~iic_ptv.search.settings.check_settings`.
    """

    reader: ClipReader
    plan: ClipPlan
    embed: ClipEmbedder
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Query:
    """What to search with.

    Attributes:
        seconds: ``(Q,)`` float64, where in the video its clips begin.
        vectors: ``(Q, D)`` float32, of norm 1.
    """

    seconds: Tensor
    vectors: Tensor


def embed_query(path: str, recipe: Recipe, at: float | None = None) -> Query:
    """Embed clips of one video.

    Args:
        path: the video.
        recipe: that of the index to search in.
        at: take the one clip that begins at this time, in seconds, or the last one where the video ends before it
            would; None: clips spread over the video as planned, but not more than 32.

    Raises:
        VideoError: the video cannot be read.
        InputError: it ends before the time.
    """
    reader, video = recipe.reader, Video(path, path)
    with ExitStack() as stack:
        with time_limit(reader.time_limit, path):
            opened = stack.enter_context(reader.open(video))
        frames, length = opened.video.index, span(reader.clip_length, opened.stride)
        if at is None:
            starts = _query_plan(recipe.plan).starts(frames, length)
        elif at > frames.duration:
            raise InputError(f"{path}: there is no clip at {format_time(at)}; it lasts {format_time(frames.duration)}.")
        else:
            starts = [min(frames.frame_at(at), max(frames.num_frames - length, 0))]
        chunks = [starts[first : first + CLIPS_AT_ONCE] for first in range(0, len(starts), CLIPS_AT_ONCE)]
        vectors = torch.cat([recipe.embed(read_clips(opened, chunk)) for chunk in chunks])
        return Query(torch.tensor([frames.seconds(start) for start in starts], dtype=torch.float64), vectors)


def _query_plan(plan: ClipPlan) -> ClipPlan:
    most = min(plan.most, MOST_QUERY_CLIPS)
    return replace(plan, least=min(plan.least, most), most=most)
