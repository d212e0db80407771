"""PyAV: reads whatever FFmpeg reads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import av
import torch
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from torch import Tensor

from iic_ptv.data.decoding.errors import VideoError, as_video_error
from iic_ptv.data.decoding.frame_index import FrameIndex, open_stream, read_frame_index
from iic_ptv.data.decoding.reader import FrameSize, VideoReader, check_indices


class PyAVReader(VideoReader):
    """Reads with PyAV: from the keyframe before a frame where the file can be sought, else counting from the first.

    Args:
        path: the file.
        index: its frame index, if it was read before.

    Raises:
        VideoError: the file cannot be read.
    """

    def __init__(self, path: str, index: FrameIndex | None = None) -> None:
        self.path = path
        self.index = index or read_frame_index(path)
        self._container, self._stream = open_stream(path)
        self._reformatter = VideoReformatter()

    def frames(self, indices: Sequence[int], size: FrameSize | None = None) -> Tensor:
        """See :meth:`VideoReader.frames`."""
        check_indices(indices, self.num_frames)
        wanted = sorted(set(indices))
        with as_video_error(self.path, av.error.FFmpegError, ValueError, OSError):
            pixels = self._seek_and_decode(wanted, size) if self.index.seekable else self._count_to(wanted, size)
        missing = [number for number in wanted if number not in pixels]
        if missing:
            raise VideoError(f"{len(missing)} of its frames cannot be decoded, the first is {missing[0]}", self.path)
        return torch.stack([pixels[number] for number in indices]).permute(3, 0, 1, 2).contiguous()

    def close(self) -> None:
        """See :meth:`VideoReader.close`."""
        self._container.close()

    def _seek_and_decode(self, wanted: list[int], size: FrameSize | None) -> dict[int, Tensor]:
        pixels: dict[int, Tensor] = {}
        for keyframe, group in groupby(wanted, self.index.keyframe_before):
            numbers = list(group)
            found = self._decode_from(keyframe, numbers, size)
            if len(found) < len(numbers):  # formats without an index of their own can land behind the keyframe
                found = self._decode_from(0, numbers, size)
            pixels |= found
        return pixels

    def _decode_from(self, keyframe: int, numbers: list[int], size: FrameSize | None) -> dict[int, Tensor]:
        times = self.index.times
        number_at = {times[number]: number for number in numbers}
        found: dict[int, Tensor] = {}
        self._container.seek(times[keyframe], stream=self._stream)
        for frame in self._container.decode(self._stream):
            if frame.pts in number_at:
                found[number_at[frame.pts]] = self._pixels(frame, size)
            if len(found) == len(numbers) or (frame.pts or 0) > times[numbers[-1]]:
                break
        return found

    def _count_to(self, wanted: list[int], size: FrameSize | None) -> dict[int, Tensor]:
        # Where times cannot be trusted, seeking to the first frame cannot be trusted either.
        self._container.close()
        self._container, self._stream = open_stream(self.path)
        pixels: dict[int, Tensor] = {}
        last = None
        for number, last in enumerate(self._container.decode(self._stream)):
            if number in wanted:
                pixels[number] = self._pixels(last, size)
            if number == wanted[-1]:
                break
        if last is not None and len(pixels) < len(wanted):
            # Some MPEG-4 files end in packets without a picture; as in a player, the last frame stays on.
            pixels = dict.fromkeys(wanted, self._pixels(last, size)) | pixels
        return pixels

    def _pixels(self, frame: VideoFrame, size: FrameSize | None) -> Tensor:
        """The upright picture as uint8 ``(H, W, 3)``."""
        quarter_turns = frame.rotation // 90
        height, width = size or (None, None)
        if quarter_turns % 2:
            height, width = width, height
        picture = self._reformatter.reformat(frame, width, height, "rgb24", interpolation="BILINEAR", threads=1)
        return torch.from_numpy(picture.to_ndarray()).rot90(quarter_turns)
