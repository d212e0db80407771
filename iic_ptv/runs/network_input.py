"""What a network can be given of a video: every view of a clip, and every intra-negative."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from fvcore.common.config import CfgNode
from torch import Tensor, nn

from iic_ptv.data.clip_reader import Clip
from iic_ptv.data.decoding.time_limit import time_limit
from iic_ptv.data.flow.computed import METHODS
from iic_ptv.data.index import Video
from iic_ptv.errors import InputError
from iic_ptv.registry import INTRA_NEGATIVES, VIEWS
from iic_ptv.runs.build import build_clip_reader, build_intra_negatives, build_views
from iic_ptv.runs.extraction import normalises_colours
from iic_ptv.runs.intra_negatives import COMPOSED, intra_negative_names
from iic_ptv.search.clock import format_time
from iic_ptv.search.reading import read_clips
from iic_ptv.transforms import evaluation_transform
from iic_ptv.transforms.pipelines import generators_of
from iic_ptv.transforms.sampling import span

NOTES = {
    "rgb": "the clip itself",
    "residual": "each frame less the one before it, the first less the last; grey where nothing moves",
    "residual_unscaled": "the same differences from -1 to 1, drawn as above",
    "flow_u": "optical flow to the right; grey where there is none",
    "flow_v": "optical flow downwards; grey where there is none",
    "repeat": "one frame over and over: nothing moves any more",
    "shuffle": "two segments exchanged",
    "reverse": "the frames in reverse order",
    "rotate": "all frames turned",
    "shuffle_frames": "all frames in a random order",
    "freeze": "standing still for half of the clip",
}


@dataclass(frozen=True, eq=False)
class TwoClips:
    """A clip of a video and, if it is long enough, another one beside it.

    Attributes:
        clips: ``video``, uint8 ``(n, 3, T, H, W)``, and with flow ``flow``, uint8 ``(n, 2, T, H, W)``; n is 1 or 2.
        times: where in the video they begin, in seconds.
        seconds: how long each lasts.
    """

    clips: Clip
    times: list[float]
    seconds: float


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """Something that a network can be given.

    Attributes:
        label: what it is called.
        note: what it is.
        view: the view of which it is, which tells its network.
        clip: ``(3, T, H, W)``, as the network gets it.
        shown: ``(3, T, H, W)`` in [0, 1], the same for people.
    """

    label: str
    note: str
    view: str
    clip: Tensor
    shown: Tensor


def possible_views(cfg: CfgNode) -> list[str]:
    """The views of the configuration, then all other registered ones; those of flow if it is computed."""
    modality = {name: getattr(VIEWS.get(name)(), "modality_key", "video") for name in [*cfg.VIEWS, *VIEWS.names()]}
    return [name for name, key in modality.items() if key == "video" or (key == "flow" and cfg.DATA.FLOW in METHODS)]


def read_two_clips(cfg: CfgNode, path: str, at: float | None = None) -> TwoClips:
    """Read the clip that begins at a time, and one beside it that shares no frame with it.

    Args:
        cfg: the configuration, for the clips.
        path: the video.
        at: seconds; None: the middle of the video.

    Raises:
        VideoError: the video cannot be read.
        InputError: it ends before the time.
    """
    reader = build_clip_reader(cfg, possible_views(cfg))
    with ExitStack() as stack:
        with time_limit(reader.time_limit, path):
            opened = stack.enter_context(reader.open(Video(path, path)))
        frames, length = opened.video.index, span(reader.clip_length, opened.stride)
        if at is not None and at > frames.duration:
            raise InputError(f"{path}: there is no clip at {format_time(at)}; it lasts {format_time(frames.duration)}.")
        starts = _two_starts(frames.num_frames, length, None if at is None else frames.frame_at(at))
        seconds = frames.duration * min(length / frames.num_frames, 1)
        return TwoClips(read_clips(opened, starts), [frames.seconds(start) for start in starts], seconds)


def network_inputs(cfg: CfgNode, two_clips: TwoClips) -> list[NetworkInput]:
    """Every view of the first clip, all intra-negatives of its view 1, and the configured views of the other clip.

    What is drawn for intra-negatives depends on the seed of the configuration alone.

    Raises:
        InputError: an intra-negative cannot be made of such clips.
    """
    names = possible_views(cfg)
    own_views = [name for name in names if name in cfg.VIEWS] or names[:1]
    views = dict(zip(names, build_views(names), strict=True))
    size = tuple(cfg.DATA.FRAME_SIZE)
    for_network, for_people = (
        evaluation_transform(cfg.DATA.CROP, size, normalized)(dict(two_clips.clips))
        for normalized in (normalises_colours(cfg), False)
    )

    def view_input(name: str, number: int, label: str, note: str) -> NetworkInput:
        clip, shown = (_viewed(views[name], batch, number) for batch in (for_network, for_people))
        return NetworkInput(label, note, name, clip, _drawable(shown))

    first = {name: view_input(name, 0, name, NOTES.get(name, "")) for name in names}
    source = first[own_views[0]]
    negatives = [_negative(cfg, name, module, source) for name, module in _intra_negatives(cfg).items()]
    others = [
        view_input(name, 1, f"{name} at {format_time(time)}", "another clip of the video")
        for time in two_clips.times[1:]
        for name in own_views
    ]
    return [*first.values(), *negatives, *others]


def _two_starts(num_frames: int, length: int, start: int | None) -> list[int]:
    """First frames of the clip and of another that follows it, else precedes it, if there is room."""
    last = max(num_frames - length, 0)
    if start is None:
        start = max(num_frames - 2 * length, 0) // 2 if num_frames >= 2 * length else last // 2
    start = min(start, last)
    others = [other for other in (start + length, start - length) if 0 <= other <= last]
    return [start, *others[:1]]


def _viewed(view: nn.Module, batch: Mapping[str, Tensor], number: int) -> Tensor:
    return view(batch[getattr(view, "modality_key", "video")][number])


def _intra_negatives(cfg: CfgNode) -> dict[str, nn.Module]:
    """All registered intra-negatives, and the configured ones, those that are composed included."""
    names = [COMPOSED.join(names) for names in intra_negative_names(cfg.INTRA_NEGATIVE)]
    configured = dict(zip(names, build_intra_negatives(cfg), strict=True))
    others = {name: INTRA_NEGATIVES.get(name)() for name in INTRA_NEGATIVES.names() if name not in configured}
    return dict(sorted({**others, **configured}.items()))


def _negative(cfg: CfgNode, name: str, negative: nn.Module, source: NetworkInput) -> NetworkInput:
    clip, shown = (negative(each, generators_of(cfg.SEED)) for each in (source.clip, source.shown))
    notes = ", then ".join(NOTES[part] for part in name.split(COMPOSED) if part in NOTES)
    note = f"intra-negative of {source.label}{f': {notes}' if notes else ''}"
    return NetworkInput(name, note, source.view, clip, shown)


def _drawable(clip: Tensor) -> Tensor:
    """Differences from -1 to 1 are drawn in [0, 1]."""
    return clip if clip.min() >= 0 else (clip + 1) / 2
