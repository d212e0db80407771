"""Folders of pictures, one per frame."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import cast

import av
import torch
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from torch import Tensor

from iic_ptv.data.decoding.errors import VideoError
from iic_ptv.data.decoding.frame_folder import frame_files
from iic_ptv.data.decoding.frame_index import FrameIndex
from iic_ptv.data.decoding.planar_rgb import PlanarRGB, displayed_size
from iic_ptv.data.decoding.reader import FrameSize, VideoReader, check_indices

CODECS = {".jpg": "mjpeg", ".jpeg": "mjpeg", ".png": "png", ".bmp": "bmp", ".webp": "webp"}


class FrameFolderReader(VideoReader):
    """Reads the pictures of a folder as the frames of a video, see :mod:`~iic_ptv.data.decoding.frame_folder`.

    FFmpeg decodes them: for whole clips it is faster than Pillow and torchvision, most of all where it also scales,
    and pictures come out as those of a video file.

    Args:
        path: the folder.

    Raises:
        VideoError: there is no such folder, or there are no pictures in it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._files = frame_files(path)
        if not self._files:
            raise VideoError("it has no pictures named like frame000001.jpg", path)
        self.index = FrameIndex(len(self._files), frame_rate=0.0, keyframes=list(range(len(self._files))))
        self.codec = _codec_of(self._files[0])
        self._size: FrameSize | None = None
        self._rgb = PlanarRGB()

    def frames(self, indices: Sequence[int], size: FrameSize | None = None) -> Tensor:
        """See :meth:`VideoReader.frames`.

        Raises:
            VideoError: a picture cannot be decoded, or has another size than those before.
        """
        check_indices(indices, self.num_frames)
        numbers = sorted(set(indices))
        clip = torch.empty(3, len(numbers), *(size or self.size), dtype=torch.uint8)
        for place, number in enumerate(numbers):
            self._rgb.write(self._picture(number), clip.numpy()[:, place])
        return clip if list(indices) == numbers else clip[:, [numbers.index(number) for number in indices]]

    @property
    def size(self) -> FrameSize:
        """Height and width of the pictures."""
        return displayed_size(self._picture(0)) if self._size is None else self._size

    def close(self) -> None:
        """See :meth:`VideoReader.close`; no file stays open."""

    def _picture(self, number: int) -> VideoFrame:
        name = self._files[number]
        try:
            with open(os.path.join(self.path, name), "rb") as file:
                frame = _decode(file.read(), _codec_of(name))
        except (av.error.FFmpegError, IndexError) as error:
            raise VideoError(f"its picture '{name}' is damaged, cut off, or no picture", self.path) from error
        except OSError as error:
            raise VideoError(f"its picture '{name}' cannot be read: {error.strerror}", self.path) from error
        size = displayed_size(frame)
        self._size = self._size or size
        if size != self._size:
            raise VideoError(
                f"its picture '{name}' is {size[1]} x {size[0]} pixels, others {self._size[1]} x {self._size[0]}",
                self.path,
            )
        return frame


def _codec_of(name: str) -> str:
    return CODECS[os.path.splitext(name)[1].lower()]


def _decode(content: bytes, codec: str) -> VideoFrame:
    """Decode one picture, with a decoder of its own: that of PNG mixes pictures that it is given one after another."""
    context = cast(VideoCodecContext, CodecContext.create(codec, "r"))
    context.thread_count = 1
    context.options = {"err_detect": "explode"}  # an error instead of a picture with grey parts
    return (context.decode(av.Packet(content)) or context.decode(None))[0]
