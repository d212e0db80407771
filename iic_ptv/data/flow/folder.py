"""Optical flow read from pictures, in the layout of the published flow of UCF101 and HMDB51."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from iic_ptv.data.decoding import VideoError
from iic_ptv.data.decoding.frame_folder import frame_files
from iic_ptv.data.decoding.reader import FrameSize
from iic_ptv.data.index import Video
from iic_ptv.data.list_files import PathLike
from iic_ptv.errors import InputError

COMPONENTS = ("u", "v")


class FlowFolder:
    """Flow from a folder of grey pictures; a :class:`~iic_ptv.data.flow.source.FlowSource`.

    The pictures of a video are ``u/<key>/frame000001.jpg``, ... and likewise below ``v``, where the key is the path of
    the video below the root of its collection, without extension; ``u/<name>/``, without the folders above the video,
    is taken, too. There may be one picture fewer than frames, as there is no motion beyond the last frame, which then
    repeats the one before.

    Args:
        root: the folder with ``u`` and ``v``, such as ``iic flow`` writes.

    Raises:
        InputError: it has no such folders.
    """

    def __init__(self, root: PathLike) -> None:
        self.root = Path(root)
        for component in COMPONENTS:
            if not (self.root / component).is_dir():
                raise InputError(
                    f"flow: there is no folder '{self.root / component}'. Name a folder with the pictures of optical "
                    "flow in u/ and v/, as `iic flow` writes it, or dis or tvl1 to compute flow."
                )

    def frames_needed(self, indices: Sequence[int], num_frames: int) -> list[int]:
        """See :meth:`FlowSource.frames_needed`."""
        return []

    def flow(
        self,
        video: Video,
        indices: Sequence[int],
        pictures: Mapping[int, Tensor],
        num_frames: int,
        size: FrameSize | None = None,
    ) -> Tensor:
        """See :meth:`FlowSource.flow`."""
        return torch.stack([self._component(name, video, indices, num_frames, size) for name in COMPONENTS])

    def _component(
        self, name: str, video: Video, indices: Sequence[int], num_frames: int, size: FrameSize | None
    ) -> Tensor:
        """uint8 ``(T, H, W)``."""
        folder = self._folder(name, video)
        files = frame_files(str(folder))
        if len(files) < max(num_frames - 1, 1):
            raise VideoError(
                f"its flow folder '{folder}' has {len(files)} pictures for {num_frames} frames", video.path
            )
        numbers = [min(index, len(files) - 1) for index in indices]
        read = {number: _read(folder / files[number], size, video) for number in set(numbers)}
        return torch.stack([read[number] for number in numbers])

    def _folder(self, component: str, video: Video) -> Path:
        """Where the pictures are: under the whole key, or as in the authors' data under the name alone."""
        places = [self.root / component / video.key, self.root / component / video.key.rpartition("/")[2]]
        for place in places:
            if place.is_dir():
                return place
        raise VideoError(f"there is no folder of its optical flow, '{places[0]}'", video.path)


def _read(file: Path, size: FrameSize | None, video: Video) -> Tensor:
    try:
        with Image.open(file) as opened:
            picture = opened.convert("L")
    except (OSError, SyntaxError, ValueError) as error:  # PIL has no error of its own
        raise VideoError(f"its flow picture '{file}' cannot be read ({error})", video.path) from error
    if size is not None and size != (picture.height, picture.width):
        picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(picture))
