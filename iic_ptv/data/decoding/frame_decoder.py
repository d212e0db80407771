"""Frames of a video file by number, with no more decoding than they need."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import dropwhile, pairwise
from operator import attrgetter

from av.video.frame import VideoFrame

from iic_ptv.data.decoding.errors import VideoError
from iic_ptv.data.decoding.frame_index import index_frames
from iic_ptv.data.decoding.streams import OpenVideo

NumberedFrames = Iterator[tuple[int, VideoFrame]]

# Decoders that can leave out frames to which no other refers, without a trace in the others. That of HEVC cannot: its
# "non-reference pictures" may be referred to from higher temporal layers.
SKIPPING_CODECS = ("h264", "mpeg1video", "mpeg2video", "mpeg4")
# Decoders that give out nothing until they can begin, and then first what is shown before the keyframe.
WAITING_CODECS = ("h264", "hevc")


class FrameDecoder:
    """Decodes frames of a video file by number.

    A frame is known by a time stamp: when it is shown or, in AVI files with B-frames, when the packet is decoded that
    makes the decoder give it out. Where the stamps of a file do not name its frames, they are counted from the first.

    Args:
        path: the file.

    Attributes:
        index: what is known of the frames without decoding.
        codec: FFmpeg's name of it.

    Raises:
        VideoError: the file cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._video = OpenVideo(path)
        try:
            self.index = index_frames(self._video)
        except BaseException:
            self._video.close()
            raise
        self._stamps = self.index.releases or self.index.times
        self._stamp_of = attrgetter("dts" if self.index.decoded_at else "pts")
        self.codec = str(self._video.stream.codec_context.name)
        self._tell_order()
        self._leaves_out = self.index.seekable and self.index.reorder_depth > 0 and self.codec in SKIPPING_CODECS

    def close(self) -> None:
        """Let go of the file."""
        self._video.close()

    def frames(self, numbers: Sequence[int]) -> NumberedFrames:
        """Yield frames with their numbers, each once, in any order.

        Args:
            numbers: of the frames, ascending.

        Raises:
            VideoError: some cannot be decoded.
        """
        missing = set(numbers)
        for number, frame in self._attempts(missing):
            if number in missing:
                missing.discard(number)
                yield number, frame
            if not missing:
                return
        first = min(missing)
        raise VideoError(f"{len(missing)} of its frames cannot be decoded, the first is {first}", self.path)

    def all_frames(self) -> NumberedFrames:
        """Yield all frames with their numbers, in order.

        Those that cannot be decoded are left out. Only in files without times of display, which may have packets
        without a picture, the frame before stays on in their place, as in a player.
        """
        next_number, shown = 0, None
        for number, frame in self._frames_from_first():
            if shown is not None and not self.index.times:
                yield from ((held, shown) for held in range(next_number, number))
            yield number, frame
            next_number, shown = number + 1, frame
        if shown is not None and not self.index.times:
            yield from ((held, shown) for held in range(next_number, self.index.num_frames))

    def _frames_from_first(self) -> NumberedFrames:
        self._video.rewind()
        self._tell_order()
        number_at = {stamp: number for number, stamp in enumerate(self._stamps)}
        for count, frame in enumerate(self._video.container.decode(self._video.stream)):
            number = number_at.get(self._stamp_of(frame)) if number_at else count
            if number is not None and number < self.index.num_frames:  # else an edit list cuts it away
                yield number, frame

    def _tell_order(self) -> None:
        """H.264 need not say how far it reorders frames, and then its decoder loses some before it finds out."""
        if self.codec == "h264" and self.index.seekable:
            context = self._video.stream.codec_context
            context.reorder_depth = max(context.reorder_depth, self.index.reorder_depth)

    def _attempts(self, missing: set[int]) -> NumberedFrames:
        """Yield frames, of which the taker removes the numbers, with more and more effort until none are missing."""
        if self._stamps:
            yield from self._frames_near(sorted(missing))
            # Some formats are sought in steps of their own, and what lies after a keyframe may need the one before it.
            if missing:
                yield from self._frames_near(sorted(missing), keyframes_earlier=1)
        if missing:
            yield from self.all_frames()

    def _frames_near(self, numbers: Sequence[int], keyframes_earlier: int = 0) -> NumberedFrames:
        """Yield those of the frames that are reached by seeking to a keyframe before them."""
        for run in self._runs(numbers):
            number_at = {self._stamps[number]: number for number in run}
            for count, frame in enumerate(self._decode(run[0], set(number_at), keyframes_earlier)):
                if count == 0 and not frame.key_frame and self.codec not in WAITING_CODECS:
                    break  # some files call any packet a keyframe
                stamp = self._stamp_of(frame)
                if stamp in number_at:
                    yield number_at[stamp], frame
                elif stamp is None or (self.index.times and stamp > self._stamps[run[-1]]):
                    break

    def _runs(self, numbers: Sequence[int]) -> Iterator[list[int]]:
        """Part numbers where frames between them need not be decoded, as there is a keyframe before the next."""
        run = [numbers[0]]
        for number, following in pairwise(numbers):
            if self.index.keyframe_before(following) > number + 1:
                yield run
                run = []
            run.append(following)
        yield run

    def _decode(self, first: int, stamps: set[int | None], keyframes_earlier: int) -> Iterator[VideoFrame]:
        """Decode from a keyframe before a frame until the frames of these stamps are out; others may be left out.

        Yields nothing if seeking leads behind the last keyframe before the frame.
        """
        container, stream = self._video.container, self._video.stream
        times = self.index.decoded_at or self.index.times
        last = bisect_right(self.index.keyframes, first) - 1
        container.seek(times[self.index.keyframes[max(last - keyframes_earlier, 0)]], stream=stream)
        packets = dropwhile(lambda packet: not packet.is_keyframe, container.demux(stream))
        for count, packet in enumerate(packets):
            stamp = self._stamp_of(packet)
            if count == 0 and stamp > times[self.index.keyframes[last]]:
                return
            if not packet.size:
                break
            if self._leaves_out:
                stream.codec_context.skip_frame = "DEFAULT" if stamp in stamps else "NONREF"
            yield from packet.decode()
            stamps.discard(stamp)
            if not stamps:
                break
        yield from stream.codec_context.decode(None)
