"""Choosing a decoder."""

from __future__ import annotations

import os
from collections.abc import Callable

from iic_ptv.data.decoding.frame_folder_reader import FrameFolderReader
from iic_ptv.data.decoding.pyav_reader import PyAVReader
from iic_ptv.data.decoding.reader import VideoReader
from iic_ptv.errors import InputError


def open_video(path: str, decoder: str = "auto") -> VideoReader:
    """Open a video.

    Args:
        path: a file, or a folder of pictures ``frame000001.jpg``, ...
        decoder: "pyav", "decord" or "torchcodec" for files, "frames" for folders; "auto" is "pyav" or "frames".

    Raises:
        VideoError: the video cannot be read; the message tells why.
        InputError: there is no such decoder, or it is not installed.
    """
    check_decoder(decoder)
    return DECODERS[decoder](path)


def check_decoder(decoder: str) -> None:
    """Raise an InputError unless there is such a decoder."""
    if decoder not in DECODERS:
        raise InputError(f"decoder: there is no '{decoder}'; choose one of {', '.join(DECODERS)}.")


def _open_with_what_fits(path: str) -> VideoReader:
    return FrameFolderReader(path) if os.path.isdir(path) else PyAVReader(path)


def _open_with_decord(path: str) -> VideoReader:
    try:
        from iic_ptv.data.decoding.decord_reader import DecordReader
    except ImportError as error:
        raise InputError(f"decoder: decord cannot be imported ({error}); install it, or use 'pyav'.") from error
    return DecordReader(path)


def _open_with_torchcodec(path: str) -> VideoReader:
    try:
        from iic_ptv.data.decoding.torchcodec_reader import TorchcodecReader
    except (ImportError, RuntimeError, OSError) as error:  # without FFmpeg's libraries, any of these
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"decoder: torchcodec cannot be imported ({reason}); `pip install torchcodec` and the libraries of FFmpeg, "
            "or use 'pyav'."
        ) from error
    return TorchcodecReader(path)


DECODERS: dict[str, Callable[[str], VideoReader]] = {
    "auto": _open_with_what_fits,
    "pyav": PyAVReader,
    "decord": _open_with_decord,
    "torchcodec": _open_with_torchcodec,
    "frames": FrameFolderReader,
}
