"""Render videos of textured shapes that move over textured, drifting backgrounds.

The class of a video is its motion. Shape, textures, colours, size, speed, phase, drift, flicker and noise are drawn
alike for every class, from the video's own seed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from iic_ptv.data.procedural.camera import Camera
from iic_ptv.data.procedural.colors import Palette
from iic_ptv.data.procedural.counter_random import LOOKS, CounterRandom
from iic_ptv.data.procedural.motions import MotionParameters, trajectory
from iic_ptv.data.procedural.shapes import SHAPES, coverage
from iic_ptv.data.procedural.textures import Texture

SHAPE_FREQUENCIES = (0.8, 1.8)  # cycles per diameter
BACKGROUND_FREQUENCIES = (1.0, 3.5)  # cycles per shorter side of the frame
MAX_NOISE = 0.03


def render_clips(
    motions: Tensor,
    *,
    num_frames: int,
    size: int | tuple[int, int],
    generator: torch.Generator | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """Render one new clip for every given motion.

    Args:
        motions: int64 ``(B,)``, indices into :data:`~iic_ptv.data.procedural.motions.MOTIONS`.
        num_frames: frames per clip, ``T``.
        size: height and width in pixels, or the side of a square.
        generator: source of the clips' seeds; by default torch's global generator.
        device: where to render; by default the device of ``motions``.

    Returns:
        float32 ``(B, 3, T, H, W)``, RGB in [0, 1].

    Example:
        >>> import torch
        >>> from iic_ptv.data.procedural import MOTIONS, render_clips
        >>> motions = torch.tensor([MOTIONS.index("bounce"), MOTIONS.index("zigzag")])
        >>> render_clips(motions, num_frames=16, size=64, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([2, 3, 16, 64, 64])
    """
    device = torch.device(device or motions.device)
    origin = generator.device if generator is not None else device
    seeds = torch.randint(2**62, (len(motions),), generator=generator, device=origin)
    times = torch.arange(num_frames, device=device, dtype=torch.float32)
    return render_videos(motions.to(device), seeds.to(device), times, size)


def render_videos(
    motions: Tensor,
    seeds: Tensor,
    times: Tensor,
    size: int | tuple[int, int],
    *,
    appearance_seeds: Tensor | None = None,
) -> Tensor:
    """Render the given moments of the videos that belong to ``seeds``.

    A video depends on its motion and its seed alone, whatever else is in the batch.

    Args:
        motions: int64 ``(B,)``, indices into :data:`~iic_ptv.data.procedural.motions.MOTIONS`.
        seeds: int64 ``(B,)``.
        times: in frames, float32, ``(T,)`` or ``(B, T)``.
        size: height and width in pixels, or the side of a square.
        appearance_seeds: int64 ``(B,)``, seeds for all but the motion and the noise (shape, textures, colours,
            background, camera): videos with one of them in common look alike. By default a video's own seed.

    Returns:
        float32 ``(B, 3, T, H, W)``, RGB in [0, 1].
    """
    random = CounterRandom(seeds)
    looks = random if appearance_seeds is None else CounterRandom(appearance_seeds ^ LOOKS)
    parameters, camera, palette = MotionParameters.draw(random), Camera.draw(looks), Palette.draw(looks)
    shapes = looks.integers(high=len(SHAPES))
    shape_texture = Texture.draw(looks, SHAPE_FREQUENCIES)
    background_texture = Texture.draw(looks, BACKGROUND_FREQUENCIES)

    height, width = (size, size) if isinstance(size, int) else size
    pixel = 1.0 / min(height, width)
    extent = (width * pixel, height * pixel)
    grid = PixelGrid(width, height, pixel, seeds.device)

    path = trajectory(motions, parameters, times, extent)
    x, y = grid.offsets_on_torus(path.position + camera.sway(times), extent)
    background_x, background_y = grid.offsets(camera.background(times))

    mask = coverage(shapes, x, y, path.angle, path.diameter / 2.0, pixel)
    foreground = paint(shape_texture.evaluate(x, y, path.angle, path.diameter), palette.shape)
    still, unit = torch.zeros_like(path.angle), torch.ones_like(path.angle)
    background = paint(background_texture.evaluate(background_x, background_y, still, unit), palette.background)

    video = torch.lerp(background, foreground, mask[:, None])
    video *= camera.brightness(times)[:, None, :, None, None]
    noise = random.uniform(1, 1, 1, 1, high=MAX_NOISE) * random.uniform(1, *mask.shape[1:], low=-1.0, high=1.0)
    return video.add_(noise).clamp_(0.0, 1.0)


def paint(texture: Tensor, colors: Tensor) -> Tensor:
    """Mix two colours ``(B, 2, 3)`` by the weights ``(B, T, H, W)`` of a texture into ``(B, 3, T, H, W)``."""
    first, second = colors[..., None, None, None].unbind(1)
    return torch.lerp(first, second, texture[:, None])


class PixelGrid:
    """Centres of the columns and rows of a frame, in units of its shorter side."""

    def __init__(self, width: int, height: int, pixel: float, device: torch.device) -> None:
        self.columns = (torch.arange(width, device=device) + 0.5) * pixel
        self.rows = (torch.arange(height, device=device) + 0.5) * pixel

    def offsets(self, origin: Tensor) -> tuple[Tensor, Tensor]:
        """Distances of columns and rows from ``origin`` ``(B, T, 2)``: ``(B, T, W)`` and ``(B, T, H)``."""
        return self.columns - origin[..., :1], self.rows - origin[..., 1:]

    def offsets_on_torus(self, origin: Tensor, extent: tuple[float, float]) -> tuple[Tensor, Tensor]:
        """The same the shorter way round, on a torus of this ``extent`` (width, height)."""
        x, y = self.offsets(origin)
        return _shorter_way(x, extent[0]), _shorter_way(y, extent[1])


def _shorter_way(distance: Tensor, length: float) -> Tensor:
    """Wrap distances on a circle of this length into ``[-length / 2, length / 2)``."""
    return (distance + length / 2.0).remainder_(length).sub_(length / 2.0)
