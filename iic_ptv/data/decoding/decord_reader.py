"""decord: reads the common formats.

decord numbers frames by their times. Where these do not name every frame once (AVI with B-frames, edit lists, broken
time stamps) it returns other frames than asked for or never returns at all, holding the interpreter's lock. This
reader therefore refuses such files; it asks PyAV for the frame index, which also keeps files that
cannot be opened from decord, as that would write to the terminal.
"""

from __future__ import annotations

from collections.abc import Sequence

import decord
import torch
from torch import Tensor

from iic_ptv.data.decoding.errors import VideoError, as_video_error
from iic_ptv.data.decoding.frame_index import FrameIndex, read_frame_index
from iic_ptv.data.decoding.reader import FrameSize, VideoReader, check_indices

UNREADABLE_WIDTHS = (8, 12, 16, 24, 48, 72)  # decord takes the padding of such rows for a fourth channel, and fails
FAULT_TOLERANCE = 1e-4  # of the frames; decord would put neighbours in the place of damaged frames

decord.logging.set_level(decord.logging.QUIET)


class DecordReader(VideoReader):
    """Reads with decord.

    Args:
        path: the file.
        index: its frame index, if it was read before.

    Raises:
        VideoError: the file cannot be read, or decord cannot address its frames exactly.
    """

    def __init__(self, path: str, index: FrameIndex | None = None) -> None:
        self.path = path
        self.index = index or read_frame_index(path)
        if not self.index.seekable:
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
