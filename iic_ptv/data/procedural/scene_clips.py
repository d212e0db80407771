"""Scenes as a collection of videos that nobody decodes: workers draw moments, and the device renders them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from iic_ptv.data.clip_reader import ChooseStarts, Clip
from iic_ptv.data.index import Video, VideoIndex
from iic_ptv.data.procedural.choreography import ACTIONS
from iic_ptv.data.procedural.scenes import render_scenes, scene_actions
from iic_ptv.errors import InputError
from iic_ptv.randomness import seed_of

Sample = dict[str, Any]
PREFIX = "scene:"  # of what a scene has in the place of a path


def scene_collection(num_videos: int, seed: int = 0) -> VideoIndex:
    """Scenes whose class is what the first figure does at the beginning.

    Args:
        num_videos: how many.
        seed: another seed gives other scenes.

    Raises:
        InputError: not one.
    """
    if num_videos < 1:
        raise InputError(f"DATA.SCENES.VIDEOS: expected 1 or more, got {num_videos}.")
    seeds = torch.tensor([seed_of(seed, number) % 2**62 for number in range(num_videos)])
    labels = scene_actions(seeds).tolist()
    names = [f"{PREFIX}{each}" for each in seeds.tolist()]
    return VideoIndex((Video(*each) for each in zip(names, names, labels, strict=True)), ACTIONS)


def is_scene(path: str) -> bool:
    """Whether this stands for a scene, in the place of a path."""
    return path.startswith(PREFIX)


def scene_seed(path: str) -> Tensor:
    """The seed of the scene that this stands for, int64 ``()``."""
    return torch.tensor(int(path.removeprefix(PREFIX)))


def are_scenes(index: VideoIndex) -> bool:
    """Whether a collection is one of scenes."""
    return is_scene(index[0].path)


@dataclass(frozen=True)
class SceneReader:
    """What :class:`~iic_ptv.data.clip_reader.ClipReader` is to files: which moments of a scene make a clip.

    Attributes:
        clip_length: frames per clip, T.
        stride: distance of a clip's frames.
        num_frames: frames of every scene.

    Raises:
        InputError: a clip is longer than a scene.
    """

    clip_length: int = 16
    stride: int = 1
    num_frames: int = 64

    def __post_init__(self) -> None:
        needed = (self.clip_length - 1) * self.stride + 1
        if needed > self.num_frames:
            raise InputError(
                f"DATA.SCENES.FRAMES: {self.clip_length} frames with a stride of {self.stride} need {needed} frames or "
                f"more, got {self.num_frames}."
            )

    def read(self, video: Video, choose_starts: ChooseStarts) -> list[Clip]:
        """For every clip the ``scene``, a seed, int64 ``()``, and its ``times`` in frames, float32 ``(T,)``."""
        scene = scene_seed(video.path)
        moments = torch.arange(self.clip_length) * float(self.stride)
        return [{"scene": scene, "times": start + moments} for start in choose_starts(self.num_frames, self.stride)]


class RenderScenes(nn.Module):
    """Put the clips ``video`` of a batch's ``scene`` and ``times`` into it, then transform it as one of decoded clips.

    Args:
        transform: what follows.
        size: height and width in pixels.
        appearances: how many looks there are, see :func:`~iic_ptv.data.procedural.render_scenes`; None: one for each.
    """

    def __init__(
        self, transform: Callable[[Sample], Sample], size: tuple[int, int], appearances: int | None = None
    ) -> None:
        super().__init__()
        self.transform = transform
        self.size = size
        self.appearances = appearances

    def forward(self, batch: Sample) -> Sample:
        """``scene`` is ``(B,)`` or ``(B, n)``, with ``times`` of one axis more, or both are lists of these."""
        rest = {key: value for key, value in batch.items() if key not in ("scene", "times")}
        return self.transform({**rest, "video": self._render(batch["scene"], batch["times"])})

    def _render(self, scene: Any, times: Any) -> Any:
        if isinstance(scene, list):
            return [self._render(*each) for each in zip(scene, times, strict=True)]
        clips: Tensor = render_scenes(scene.flatten(), times.flatten(0, -2), self.size, appearances=self.appearances)
        return clips.unflatten(0, scene.shape)
