"""torchcodec: reads the common formats, with the FFmpeg libraries of the system."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise

import torch
import torchcodec
from torch import Tensor
from torchcodec.decoders import VideoDecoder
from torchcodec.transforms import Resize

from iic_ptv.data.decoding.errors import VideoError, as_video_error
from iic_ptv.data.decoding.frame_index import FrameIndex, index_frames
from iic_ptv.data.decoding.reader import FrameSize, VideoReader, check_indices
from iic_ptv.data.decoding.streams import OpenVideo

if getattr(torchcodec, "ffmpeg_major_version", True) is None:
    raise ImportError("it finds no FFmpeg libraries")


class TorchcodecReader(VideoReader):
    """Reads with torchcodec, which is handed our index of the frames in the place of its own.

    Args:
        path: the file.

    Raises:
        VideoError: the file cannot be read, or torchcodec cannot address its frames exactly.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with closing(OpenVideo(path)) as video:
            self.index = index_frames(video)
            self._stream = video.stream.index
            self._time_base = float(video.stream.time_base or 1)
        if not self.index.seekable:
            raise VideoError("torchcodec cannot address its frames exactly; use the decoder 'pyav' or 'auto'", path)
        self._video: VideoDecoder | None = None
        self._size: FrameSize | None = None

    def frames(self, indices: Sequence[int], size: FrameSize | None = None) -> Tensor:
        """See :meth:`VideoReader.frames`."""
        check_indices(indices, self.num_frames)
        with as_video_error(self.path, RuntimeError, ValueError, IndexError):
            batch = self._opened(size).get_frames_at(list(indices))
        expected = torch.tensor([self.index.times[number] for number in indices]) * self._time_base
        if (batch.pts_seconds - expected).abs().max() > self._time_base / 2:
            raise VideoError("torchcodec gives out other frames than asked for; use the decoder 'pyav'", self.path)
        return batch.data.transpose(0, 1).contiguous()

    def close(self) -> None:
        """See :meth:`VideoReader.close`."""
        self._video = None

    def _opened(self, size: FrameSize | None) -> VideoDecoder:
        """The open video; torchcodec scales to a size that is set when a video is opened."""
        if self._video is None or size != self._size:
            self._video = VideoDecoder(
                self.path,
                stream_index=self._stream,
                custom_frame_mappings=_mappings(self.index),
                transforms=[Resize(size)] if size else None,
            )
            self._size = size
        return self._video


def _mappings(index: FrameIndex) -> str:
    """A frame index as torchcodec reads it, JSON as ``ffprobe`` writes it."""
    keyframes = {*index.keyframes}
    durations = [following - time for time, following in pairwise(index.times)]
    durations.append(durations[-1] if durations else 1)
    frames = [
        {"pts": time, "duration": duration, "key_frame": int(number in keyframes)}
        for number, (time, duration) in enumerate(zip(index.times, durations, strict=True))
    ]
    return json.dumps({"frames": frames})
