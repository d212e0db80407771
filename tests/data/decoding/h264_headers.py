"""Taking out of an H.264 file what it need not say."""

from __future__ import annotations

from pathlib import Path

LENGTH_OF_SPS = 6  # place in the box avcC, behind its name


class Bits:
    """Reads the header of an H.264 stream bit by bit."""

    def __init__(self, content: bytes) -> None:
        self.text = "".join(f"{byte:08b}" for byte in content)
        self.place = 0

    def number(self, bits: int) -> int:
        self.place += bits
        return int(self.text[self.place - bits : self.place], 2)

    def golomb(self) -> int:
        zeros = self.text.index("1", self.place) - self.place
        self.place += zeros
        return self.number(zeros + 1) - 1


def drop_usability_information(source: Path, target: Path) -> Path:
    """Copy an MP4 file of H.264 without what tells a decoder, among other things, by how much frames are reordered."""
    content = bytearray(source.read_bytes())
    box = content.index(b"avcC") + 4
    length = int.from_bytes(content[box + LENGTH_OF_SPS :][:2], "big")
    begin = box + LENGTH_OF_SPS + 2
    header = bytes(content[begin : begin + length]).replace(b"\0\0\3", b"\0\0")
    bits = _up_to_usability_information(header)
    bits += "01"  # there is none, and here the header ends
    bits += "0" * (-len(bits) % 8)
    short = bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8))
    assert b"\0\0" not in short, "it would have to be escaped"
    content[begin : begin + length] = short.ljust(length, b"\0")
    target.write_bytes(content)
    return target


def _up_to_usability_information(header: bytes) -> str:
    """The sequence parameter set of a progressive video in the High profile, ITU-T H.264, 7.3.2.1.1."""
    bits = Bits(header)
    assert bits.number(8) & 31 == 7
    assert bits.number(8) == 100
    bits.number(16)
    for _ in range(4):  # identifier, kind of chroma, bit depths
        bits.golomb()
    assert bits.number(2) == 0
    bits.golomb()
    assert bits.golomb() == 0
    for _ in range(2):  # range of picture order counts, reference frames
        bits.golomb()
    bits.number(1)
    for _ in range(2):  # width and height
        bits.golomb()
    assert bits.number(1) == 1
    bits.number(1)
    if bits.number(1):
        for _ in range(4):  # cropping
            bits.golomb()
    assert bits.text[bits.place] == "1"
    return bits.text[: bits.place]
