"""Render scenes with people who act, objects that move, and all that makes real video hard: for pre-training.

Reported: learning from rendered video carries over the better the richer its motion is (Yu, Shi and others,
"Learning Video Representations without Natural Videos", 2024): shapes that move, then change their form, then
accelerate, in textures. People add what no rigid shape has: parts that move against each other.

How a scene looks and what happens in it are drawn independently, so neither tells the other.
"""

from __future__ import annotations

import torch
from torch import Tensor

from iic_ptv.data.procedural.backdrop import Backdrop
from iic_ptv.data.procedural.boxes import Boxes
from iic_ptv.data.procedural.canvas import Canvas
from iic_ptv.data.procedural.choreography import Choreography
from iic_ptv.data.procedural.counter_random import LOOKS, CounterRandom, DrawnAhead
from iic_ptv.data.procedural.figures import Looks, paint_figures
from iic_ptv.data.procedural.lens import Lens
from iic_ptv.data.procedural.props import Props
from iic_ptv.data.procedural.sensor import Sensor

RESERVE = 512  # random numbers that a scene takes, of either kind, and some more


def render_scenes(
    seeds: Tensor, times: Tensor, size: int | tuple[int, int], *, appearances: int | None = None
) -> Tensor:
    """Render the given moments of the scenes that belong to ``seeds``.

    A scene depends on its seed alone, whatever else is in the batch.

    Args:
        seeds: int64 ``(B,)``.
        times: in frames, float32, ``(T,)`` or ``(B, T)``.
        size: height and width in pixels, or the side of a square.
        appearances: how many looks (textures, colours, bodies, surroundings, camera noise) there are; by default every
            seed has its own. With few of them many scenes look alike and differ in what happens only.

    Returns:
        float32 ``(B, 3, T, H, W)``, RGB in [0, 1].

    Example:
        >>> import torch
        >>> from iic_ptv.data.procedural import render_scenes
        >>> render_scenes(torch.tensor([3, 14]), times=torch.arange(8.0), size=56).shape
        torch.Size([2, 3, 8, 56, 56])
    """
    times = times.expand(len(seeds), times.shape[-1])
    height, width = (size, size) if isinstance(size, int) else size
    canvas = Canvas((len(seeds), times.shape[1], height, width), seeds.device)
    motion, look = _streams(seeds, appearances)
    # Positions need all their digits, also where a network computes in half precision.
    with torch.autocast(seeds.device.type, enabled=False):
        sensor = _paint(canvas, times, motion, look)
        return sensor.expose(canvas.color, seeds, times).transpose(1, 2).contiguous()


def _paint(canvas: Canvas, times: Tensor, motion: CounterRandom, look: CounterRandom) -> Sensor:
    """Draw what there is, paint it from front to back, and return the camera that sees it."""
    choreography, lens = Choreography.draw(motion), Lens.draw(motion)
    looks, backdrop, sensor = Looks.draw(look), Backdrop.draw(look), Sensor.draw(look)
    posts = Boxes.draw(look, 1, share=0.25, widths=(0.04, 0.3), heights=(0.3, 3.0), nearness=1.4)
    furniture = Boxes.draw(look, 2, share=0.6, widths=(0.1, 0.6), heights=(0.1, 0.8), nearness=0.7)
    props = Props.draw(look, motion, shares=[0.3, 0.3, 0.5, 0.5])

    stage = choreography.stage(times, looks.lengths, canvas.extent)
    view = lens.view(times, stage.walked[:, 0], canvas.extent)
    objects = props.place(canvas, view, times)
    posts.paint(canvas, view)
    objects.paint(canvas, range(2))
    paint_figures(canvas, view, stage, looks, choreography)
    objects.paint(canvas, range(2, 4))
    furniture.paint(canvas, view)
    backdrop.paint(canvas, view)
    return sensor


def scene_actions(seeds: Tensor) -> Tensor:
    """What the first figure of each scene does at the beginning: indices into ``ACTIONS``, int64 ``(B,)``."""
    motion, _ = _streams(seeds, None)
    return Choreography.draw(motion).actions[:, 0, 0]


def _streams(seeds: Tensor, appearances: int | None) -> tuple[CounterRandom, CounterRandom]:
    """Random numbers of the motion and of the looks."""
    looks = seeds if appearances is None else seeds % appearances
    return DrawnAhead(seeds, RESERVE), DrawnAhead(looks ^ LOOKS, RESERVE)
