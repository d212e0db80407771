"""PyAV: reads whatever FFmpeg reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av.error
import torch
from torch import Tensor

from iic_ptv.data.decoding.errors import VideoError, as_video_error
from iic_ptv.data.decoding.frame_decoder import FrameDecoder
from iic_ptv.data.decoding.planar_rgb import PlanarRGB, displayed_size
from iic_ptv.data.decoding.reader import FrameSize, VideoReader, check_indices

ERRORS = av.error.FFmpegError, ValueError, OSError


class PyAVReader(VideoReader):
    """Reads with PyAV: from the keyframe before a frame where the file can be sought, else counting from the first.

    Args:
        path: the file.

    Raises:
        VideoError: the file cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._decoder = FrameDecoder(path)
        self.index = self._decoder.index
        self.codec = self._decoder.codec
        self._rgb = PlanarRGB()

    def frames(self, indices: Sequence[int], size: FrameSize | None = None) -> Tensor:
        """See :meth:`VideoReader.frames`."""
        check_indices(indices, self.num_frames)
        numbers = sorted(set(indices))
        place = {number: place for place, number in enumerate(numbers)}
        clip = torch.empty(0)
        with as_video_error(self.path, *ERRORS):
            for number, frame in self._decoder.frames(numbers):
                if not clip.numel():
                    clip = torch.empty(3, len(numbers), *(size or displayed_size(frame)), dtype=torch.uint8)
                self._rgb.write(frame, clip.numpy()[:, place[number]])
        return clip if list(indices) == numbers else clip[:, [place[number] for number in indices]]

    @property
    def size(self) -> FrameSize:
        """Height and width of the frames as they are displayed."""
        with as_video_error(self.path, *ERRORS):
            return next(displayed_size(frame) for _, frame in self._decoder.frames([0]))

    def pictures(self, size: FrameSize | None = None) -> Iterator[Tensor]:
        """Yield all frames one after another in constant memory, decoding each once.

        Args:
            size: as for :meth:`frames`.

        Yields:
            uint8 RGB ``(3, H, W)``, equal to ``frames([0])``, ``frames([1])``, ...

        Raises:
            VideoError: a frame cannot be decoded.
        """
        done = 0
        with as_video_error(self.path, *ERRORS):
            for number, frame in self._decoder.all_frames():
                if number != done:
                    break
                size = size or displayed_size(frame)
                picture = torch.empty(3, *size, dtype=torch.uint8)
                self._rgb.write(frame, picture.numpy())
                yield picture
                done += 1
        if done < self.num_frames:
            raise VideoError(f"its frame {done} of {self.num_frames} cannot be decoded", self.path)

    def close(self) -> None:
        """See :meth:`VideoReader.close`."""
        self._decoder.close()
