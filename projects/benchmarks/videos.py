"""Videos to measure with: what they show, and how they are encoded. Another seed gives another video.

What a decoder has to do depends on the content. These come to the bit rates of real video of this size: a textured
background under a moving camera, textured things that move by themselves, and the noise of a sensor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]
Place = NDArray[np.float64]  # row and column
FrameSize = tuple[int, int]  # height and width

FRAME_RATE = 30
SIZE = (240, 320)
SPRITES = 8
SPEED = 2.0  # pixels per frame, standard deviation
CONTRAST = 45.0  # grey levels, standard deviation, as that of
NOISE = 2.5
JPEG_QUALITY = 95  # OpenCV's default, with which frames are commonly extracted


@dataclass(frozen=True)
class Encoding:
    """How a video is encoded; all else is the encoder's default."""

    name: str
    codec: str
    extension: str
    gop: int
    options: dict[str, str] = field(default_factory=dict)


H264 = {"crf": "23", "sc_threshold": "0"}  # no further keyframes where the picture changes
MPEG4 = {"qmin": "7", "qmax": "7"}
ENCODINGS = (
    Encoding("H.264, GOP 250", "libx264", ".mp4", 250, H264),
    Encoding("H.264, GOP 12", "libx264", ".mp4", 12, H264),
    Encoding("MPEG-4, GOP 250", "mpeg4", ".avi", 250, MPEG4),
    Encoding("MPEG-4, GOP 12", "mpeg4", ".avi", 12, MPEG4),
)


def write_video(
    path: Path, seed: int, num_frames: int, encoding: Encoding = ENCODINGS[0], size: FrameSize = SIZE
) -> Path:
    """Encode the video of a seed at 30 frames per second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(encoding.codec, rate=FRAME_RATE, options=encoding.options)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        stream.gop_size, stream.thread_count = encoding.gop, 1
        for picture in pictures(seed, num_frames, size):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def write_frame_folder(folder: Path, video: Path) -> Path:
    """Write the frames of a video as JPEG files, ``frame000001.jpg`` and so on, as the reference code reads them."""
    folder.mkdir(parents=True)
    with av.open(str(video)) as container:
        for number, frame in enumerate(container.decode(video=0), start=1):
            Image.fromarray(frame.to_ndarray(format="rgb24")).save(
                folder / f"frame{number:06}.jpg", quality=JPEG_QUALITY
            )
    return folder


def pictures(seed: int, num_frames: int, size: FrameSize = SIZE) -> Iterator[Picture]:
    """Yield the frames of the video of a seed, uint8 RGB ``(H, W, 3)``."""
    random = np.random.default_rng(seed)
    background = np.tile(_texture(random, size), (2, 2, 1))  # it goes on at its other end
    camera = _Way(random)
    sprites = [_Sprite(random, size) for _ in range(SPRITES)]
    for number in range(num_frames):
        picture = _window(background, camera.at(number) % size, size)
        for sprite in sprites:
            sprite.draw(picture, number)
        picture += random.normal(0, NOISE, picture.shape).astype(np.float32)
        yield picture.round().clip(0, 255).astype(np.uint8)


class _Way:
    """A way through the plane: a steady motion and two oscillations."""

    def __init__(self, random: np.random.Generator) -> None:
        self.start = random.uniform(0, 1000, 2)
        self.speed = random.normal(0, SPEED, 2)
        self.amplitudes = random.uniform(3, 15, (2, 2))
        self.periods = random.uniform(40, 200, (2, 2))  # frames
        self.phases = random.uniform(0, 2 * np.pi, (2, 2))

    def at(self, number: int) -> Place:
        """Row and column at a frame."""
        swings = self.amplitudes * np.sin(2 * np.pi * number / self.periods + self.phases)
        return np.asarray(self.start + self.speed * number + swings.sum(axis=0))


class _Sprite:
    """A textured ellipse on a way of its own, which turns back at the edges."""

    def __init__(self, random: np.random.Generator, size: FrameSize) -> None:
        self.size = int(size[0] * random.uniform(0.15, 0.35)), int(size[1] * random.uniform(0.15, 0.35))
        self.room = np.array(size) - self.size
        self.texture = np.tile(_texture(random, self.size), (2, 2, 1))
        rows, columns = (np.linspace(-1, 1, side) for side in self.size)
        self.inside = (rows[:, None] ** 2 + columns**2 < 1)[..., None]
        self.way = _Way(random)

    def draw(self, picture: NDArray[np.float32], number: int) -> None:
        place = np.abs(self.way.at(number) % (2 * self.room) - self.room)
        top, left = place.astype(int)
        part = picture[top : top + self.size[0], left : left + self.size[1]]
        part[:] = np.where(self.inside, _window(self.texture, 1 - place % 1, self.size), part)


def _texture(random: np.random.Generator, size: FrameSize) -> NDArray[np.float32]:
    """Coloured noise ``(H, W, 3)`` whose amplitude falls with the spatial frequency, as in photographs."""
    frequency = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1]))
    falloff = np.maximum(frequency, 1 / max(size)) ** -1.3
    grey, *tints = (np.fft.irfft2(np.fft.rfft2(random.normal(size=size)) * falloff, size) for _ in range(4))
    texture = np.stack([grey + 0.4 * tint for tint in tints], axis=-1)
    return (random.uniform(90, 165) + CONTRAST * texture / texture.std()).astype(np.float32)


def _window(texture: NDArray[np.float32], place: Place, size: FrameSize) -> NDArray[np.float32]:
    """The part of a texture that begins at a place, which may lie between its pixels."""
    top, left = place.astype(int)
    down, right = (place % 1).astype(np.float32)
    part = texture[top : top + size[0] + 1, left : left + size[1] + 1]
    rows = part[:-1] * (1 - down) + part[1:] * down
    return np.asarray(rows[:, :-1] * (1 - right) + rows[:, 1:] * right)
