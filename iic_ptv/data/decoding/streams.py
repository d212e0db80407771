"""Opening a video file and its first video stream with FFmpeg."""

from __future__ import annotations

import os
import stat

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from iic_ptv.data.decoding.errors import VideoError, as_video_error

# MP4 and QuickTime files state what FFmpeg otherwise finds out by decoding the first frames, which can take longer than
# decoding a clip: no decoders while opening.
HEADER_ONLY = {"codec_whitelist": "none", "probesize": "32"}


class OpenVideo:
    """A video file that is open, and its first video stream.

    Args:
        path: the file.

    Raises:
        VideoError: there is no such file, or no video in it.
    """

    container: InputContainer
    stream: VideoStream

    def __init__(self, path: str) -> None:
        self.path = path
        self.container, self.stream = open_stream(path)

    @property
    def is_avi(self) -> bool:
        """Whether it is an AVI file, the one common format without times of display."""
        return bool(self.container.format.name == "avi")

    def rewind(self) -> None:
        """Go back to the first packet, which seeking does not find in all files."""
        self.close()
        self.container, self.stream = open_stream(self.path)

    def close(self) -> None:
        """Let go of the file."""
        self.container.close()


def open_stream(path: str) -> tuple[InputContainer, VideoStream]:
    """Open the file and its first video stream; the cover of a piece of music is none.

    Raises:
        VideoError: there is no such file, or no video in it.
    """
    with as_video_error(path, av.error.FFmpegError, OSError):
        check_file(path)
        container_format = _format_of(path)
        options = HEADER_ONLY if container_format == "mp4" else {}
        container = av.open(path, format=container_format, options=options, metadata_errors="replace")
    try:
        return container, _first_video(container, path)
    except BaseException:
        container.close()
        raise


def _first_video(container: InputContainer, path: str) -> VideoStream:
    """The first video stream, ready to be read alone."""
    streams = [stream for stream in container.streams.video if stream.disposition != Disposition.attached_pic]
    if not streams or streams[0].codec_context is None:
        raise VideoError("FFmpeg cannot decode its video" if streams else "it has no video stream", path)
    # One thread each: data loaders run one worker per core, and threads would not survive their fork.
    streams[0].codec_context.thread_count = 1
    for other in container.streams:
        if other is not streams[0]:
            other.discard = Discard.all
    return streams[0]


def check_file(path: str) -> None:
    """Refuse what is not a file with something in it, before anyone waits for what a pipe may never send.

    Raises:
        VideoError: it is a folder, a pipe, a device, or empty.
        OSError: there is no such file.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise VideoError("it is a folder, not a file", path)
    if not stat.S_ISREG(status.st_mode):
        raise VideoError("it is a pipe, a socket or a device, not a file", path)
    if status.st_size == 0:
        raise VideoError("the file is empty", path)


def _format_of(path: str) -> str | None:
    """The common formats by their first bytes, which saves FFmpeg from trying all that it knows."""
    with open(path, "rb", buffering=0) as file:
        begin = file.read(12)
    if begin[4:8] == b"ftyp":
        return "mp4"
    return "avi" if begin[:4] == b"RIFF" and begin[8:] == b"AVI " else None
