"""Reading clips out of a video: which frames, at which size, and with which optical flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from iic_ptv.data.decoding import VideoError, VideoReader, open_video
from iic_ptv.data.decoding.opening import check_decoder
from iic_ptv.data.decoding.time_limit import time_limit
from iic_ptv.data.flow import FlowSource
from iic_ptv.data.index import Video
from iic_ptv.data.sampling import Short, check_clip, check_short, clip_frames, fit_short, stride_at_rate
from iic_ptv.errors import InputError

Clip = dict[str, Tensor]
ChooseStarts = Callable[[int, float], Sequence[int]]


@dataclass(frozen=True)
class ClipReader:
    """How clips are read from videos.

    Attributes:
        clip_length: frames per clip, T.
        stride: distance of a clip's frames in the video.
        frame_rate: frames per second that videos are brought to before the stride counts, by leaving out or repeating
            frames; 0 takes them as they are.
        short: what to do with videos shorter than a clip: "loop", "pad" with the last frame, or "refuse" them, as if
            they could not be read.
        decoder: one of :data:`~iic_ptv.data.decoding.DECODERS`; "auto" suits every file.
        size: ``(height, width)`` that the decoder scales frames to; None keeps theirs.
        time_limit: seconds that reading from one video may take before it counts as one that cannot be read; 0: any.
        flow: where optical flow comes from; None reads none.

    Raises:
        InputError: an option cannot be used.
    """

    clip_length: int = 16
    stride: int = 1
    frame_rate: float = 0.0
    short: Short = "loop"
    decoder: str = "auto"
    size: tuple[int, int] | None = None
    time_limit: float = 60.0
    flow: FlowSource | None = None

    def __post_init__(self) -> None:
        check_clip(self.clip_length, self.stride)
        check_short(self.short)
        check_decoder(self.decoder)

    def read(self, video: Video, choose_starts: ChooseStarts) -> list[Clip]:
        """Read clips of one video; frames that they share are decoded once.

        Args:
            video: the video.
            choose_starts: first frames of the clips, given the number of frames and the stride.

        Returns:
            For every clip ``video``, uint8 RGB ``(3, T, H, W)``, and with a source of flow ``flow``, uint8
            ``(2, T, H, W)``.

        Raises:
            VideoError: the video cannot be read, in time or at all, or it is refused.
        """
        with time_limit(self.time_limit, video.path), open_video(video.path, self.decoder) as opened:
            stride = self._stride(video, opened)
            starts = choose_starts(opened.num_frames, stride)
            clips = [self._frames(video, start, stride, opened.num_frames) for start in starts]
            return self._decode(video, opened, clips)

    def _stride(self, video: Video, opened: VideoReader) -> float:
        if not self.frame_rate:
            return self.stride
        if not opened.frame_rate:
            raise VideoError("it does not tell its frame rate, so it cannot be brought to another", video.path)
        return stride_at_rate(self.stride, opened.frame_rate, self.frame_rate)

    def _frames(self, video: Video, start: int, stride: float, num_frames: int) -> list[int]:
        try:
            return fit_short(clip_frames(start, self.clip_length, stride), num_frames, self.short)
        except InputError as error:
            raise VideoError(str(error), video.path) from error

    def _decode(self, video: Video, opened: VideoReader, clips: Sequence[Sequence[int]]) -> list[Clip]:
        needed = {frame for clip in clips for frame in clip}
        if self.flow is not None:
            needed.update(self.flow.frames_needed(sorted(needed), opened.num_frames))
        numbers = sorted(needed)
        pixels = opened.frames(numbers, self.size)
        place = {frame: position for position, frame in enumerate(numbers)}
        entries: list[Clip] = [{"video": _take(pixels, [place[frame] for frame in clip])} for clip in clips]
        if self.flow is not None:
            pictures: Mapping[int, Tensor] = {frame: pixels[:, position] for frame, position in place.items()}
            size = (pixels.shape[-2], pixels.shape[-1])
            for entry, clip in zip(entries, clips, strict=True):
                entry["flow"] = self.flow.flow(video, clip, pictures, opened.num_frames, size)
        return entries


def _take(pixels: Tensor, places: list[int]) -> Tensor:
    """The frames at ``places``; all of them in order need no copy."""
    return pixels if places == list(range(pixels.shape[1])) else pixels[:, places]
