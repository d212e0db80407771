"""Choosing a decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from iic_ptv.data.decoding.errors import VideoError
from iic_ptv.data.decoding.frame_index import read_frame_index
from iic_ptv.data.decoding.pyav_reader import PyAVReader
from iic_ptv.data.decoding.reader import FrameSize, VideoReader
from iic_ptv.errors import InputError


def open_video(path: str, decoder: str = "auto") -> VideoReader:
    """Open a video file.

    Args:
        path: the file.
        decoder: "decord", "pyav", or "auto": decord, and PyAV for what decord does not read exactly.

    Raises:
        VideoError: the file cannot be read; the message tells why.
        InputError: there is no such decoder, or it is not installed.
    """
    check_decoder(decoder)
    return DECODERS[decoder](path)


def check_decoder(decoder: str) -> None:
    """Raise an InputError unless there is such a decoder."""
    if decoder not in DECODERS:
        raise InputError(f"decoder: there is no '{decoder}'; choose one of {', '.join(DECODERS)}.")


class AutoReader(VideoReader):
    """Reads with decord, and with PyAV from the first time that decord refuses or fails."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.index = read_frame_index(path)
        self._reader = self._first_choice()

    def frames(self, indices: Sequence[int], size: FrameSize | None = None) -> Tensor:
        """See :meth:`VideoReader.frames`."""
        try:
            return self._reader.frames(indices, size)
        except VideoError:
            if isinstance(self._reader, PyAVReader):
                raise
            self._reader = PyAVReader(self.path, self.index)
            return self._reader.frames(indices, size)

    def close(self) -> None:
        """See :meth:`VideoReader.close`."""
        self._reader.close()

    def _first_choice(self) -> VideoReader:
        try:
            from iic_ptv.data.decoding.decord_reader import DecordReader

            return DecordReader(self.path, self.index)
        except (ImportError, VideoError):
            return PyAVReader(self.path, self.index)


def _open_with_decord(path: str) -> VideoReader:
    try:
        from iic_ptv.data.decoding.decord_reader import DecordReader
    except ImportError as error:
        raise InputError(f"decoder: decord cannot be imported ({error}); install it, or use 'pyav'.") from error
    return DecordReader(path)


DECODERS: dict[str, Callable[[str], VideoReader]] = {
    "auto": AutoReader,
    "decord": _open_with_decord,
    "pyav": PyAVReader,
}
