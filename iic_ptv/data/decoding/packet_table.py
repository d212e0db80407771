"""What a container tells of its packets, one compressed frame each, without decoding them."""

from __future__ import annotations

from dataclasses import dataclass

from av.packet import Packet

from iic_ptv.data.decoding.errors import VideoError
from iic_ptv.data.decoding.mp4_times import display_delays
from iic_ptv.data.decoding.streams import OpenVideo

KEYFRAME, DISCARD = 1, 2  # flags of FFmpeg's index, AVINDEX_KEYFRAME and AVINDEX_DISCARD_FRAME


@dataclass(frozen=True)
class PacketTable:
    """The packets that become frames, in the order of decoding.

    Attributes:
        decoded_at: their time stamps of decoding; empty if some have none.
        shown_at: their time stamps of display; empty if some have none, and for AVI files, for which FFmpeg makes them
            up.
        keyframes: numbers of the packets at which decoding can start.
        sizes: bytes of each.
    """

    decoded_at: list[int]
    shown_at: list[int]
    keyframes: list[int]
    sizes: list[int]


def read_packet_table(video: OpenVideo) -> PacketTable:
    """The table from the index of the file where that can be relied on, else from passing over all packets once.

    Args:
        video: a file that was just opened; afterwards it stands anywhere.
    """
    if video.is_avi or "mp4" in video.container.format.name:
        table = _indexed_packets(video)
        if table is not None:
            return table
        video.rewind()
    return _scanned_packets(video)


def _indexed_packets(video: OpenVideo) -> PacketTable | None:
    """The table from the index that AVI, MP4 and QuickTime files have.

    None if some packets in it do not become frames (edit lists), if there are others behind it (fragments), or if the
    times of display cannot be found out.

    Raises:
        VideoError: the file ends before the last packet.
    """
    entries = video.stream.index_entries[:]
    flags = [entry.flags for entry in entries]
    sizes = [entry.size for entry in entries]
    if not entries or not flags[0] & KEYFRAME or not {*flags} <= {0, KEYFRAME} or not all(sizes):
        return None
    end = entries[-1].pos + entries[-1].size
    if end > video.container.size:
        raise VideoError(f"it is cut off: {video.container.size} of at least {end} bytes are there", video.path)
    decoded_at = [entry.timestamp for entry in entries]
    last = _last_packet(video, decoded_at[-1])
    if last is None:
        return None
    shown_at = []
    if not video.is_avi:
        delays = display_delays(video.path, video.stream.id, len(entries))
        if not delays or last.pts is None:
            return None
        begin = last.pts - decoded_at[-1] - delays[-1]
        shown_at = [time + delay + begin for time, delay in zip(decoded_at, delays, strict=True)]
    return PacketTable(decoded_at, shown_at, [number for number, flag in enumerate(flags) if flag], sizes)


def _last_packet(video: OpenVideo, decoded_at: int) -> Packet | None:
    """The packet of that time stamp, if it is the last of the stream."""
    video.container.seek(decoded_at, stream=video.stream, any_frame=True)
    last = None
    for packet in video.container.demux(video.stream):
        if packet.size:
            last = packet
    return last if last is not None and last.dts == decoded_at else None


def _scanned_packets(video: OpenVideo) -> PacketTable:
    """The table from all packets.

    Left out are those that are no frames: cut away by an edit list, or before anything can be decoded.
    """
    packets = [
        (packet.dts, packet.pts, packet.is_keyframe, packet.size, packet.is_discard)
        for packet in video.container.demux(video.stream)
        if packet.size
    ]
    first = next((number for number, (_, _, is_keyframe, *_) in enumerate(packets) if is_keyframe), 0)
    frames = [packet[:4] for packet in packets[first:] if not packet[4]]
    dts, pts, is_keyframe, sizes = ([*column] for column in zip(*frames, strict=True)) if frames else ([],) * 4
    return PacketTable(
        decoded_at=[] if None in dts else dts,
        shown_at=[] if None in pts or video.is_avi else pts,
        keyframes=[number for number, is_one in enumerate(is_keyframe) if is_one],
        sizes=sizes,
    )
