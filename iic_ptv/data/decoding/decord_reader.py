"""decord: reads the common formats.

decord numbers frames by their times, and counts on from a keyframe. Where times do not name every frame once (AVI with
B-frames, edit lists, broken time stamps) or frames after a keyframe are shown before it (open GOPs), it returns other
frames than asked for or never returns at all, holding the interpreter's lock. This reader therefore refuses such files;
it asks PyAV for the frame index, which also keeps files that cannot be opened from decord, as that would write to the
terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import decord
import torch
from torch import Tensor

from iic_ptv.data.decoding.errors import VideoError, as_video_error
from iic_ptv.data.decoding.frame_index import index_frames
from iic_ptv.data.decoding.reader import FrameSize, VideoReader, check_indices
from iic_ptv.data.decoding.streams import OpenVideo

UNREADABLE_WIDTHS = (8, 12, 16, 24, 48, 72)  # decord takes the padding of such rows for a fourth channel, and fails
SEEKABLE_FORMATS = {"mp4", "matroska"}
UNSTAMPED_IN_AVI = ("h264", "hevc")
FAULT_TOLERANCE = 1e-4  # of the frames; decord would put neighbours in the place of damaged frames

decord.logging.set_level(decord.logging.QUIET)


class DecordReader(VideoReader):
    """Reads with decord.

    Args:
        path: the file.

    Raises:
        VideoError: the file cannot be read, or decord cannot address its frames exactly.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with closing(OpenVideo(path)) as video:
            self.index = index_frames(video)
            exact = self.index.seekable and self.index.closed_gops and _is_sought_exactly(video)
        if not exact:
            raise VideoError("decord cannot address its frames exactly; use the decoder 'pyav' or 'auto'", path)
        self._video: decord.VideoReader | None = None
        self._size: FrameSize | None = None

    def frames(self, indices: Sequence[int], size: FrameSize | None = None) -> Tensor:
        """See :meth:`VideoReader.frames`."""
        check_indices(indices, self.num_frames)
        if size and size[1] in UNREADABLE_WIDTHS:
            raise VideoError(f"decord cannot scale to the width {size[1]}; use the decoder 'pyav' or 'auto'", self.path)
        with as_video_error(self.path, decord.DECORDError, decord.DECORDLimitReachedError, RuntimeError):
            batch = self._opened(size).get_batch(list(indices))
        # PyTorchVideo sets decord's global bridge to torch when it is imported.
        pictures = batch if isinstance(batch, Tensor) else torch.from_numpy(batch.asnumpy())
        return pictures.permute(3, 0, 1, 2).contiguous()

    def close(self) -> None:
        """See :meth:`VideoReader.close`."""
        self._video = None

    def _opened(self, size: FrameSize | None) -> decord.VideoReader:
        """The open video; decord scales to a size that is set when a video is opened."""
        if self._video is None or size != self._size:
            height, width = size or (-1, -1)
            self._video = decord.VideoReader(
                self.path, width=width, height=height, num_threads=1, fault_tol=FAULT_TOLERANCE
            )
            self._size = size
            if len(self._video) != self.num_frames:
                raise VideoError(f"decord finds {len(self._video)} frames, FFmpeg {self.num_frames}", self.path)
        return self._video


def _is_sought_exactly(video: OpenVideo) -> bool:
    """Whether decord finds keyframes: only in formats with an index of them, and not where they have no time stamps."""
    if video.is_avi:
        return video.stream.codec_context.name not in UNSTAMPED_IN_AVI
    return not SEEKABLE_FORMATS.isdisjoint(video.container.format.name.split(","))
