"""Draw the picture of the README: a clip, its residual view and its intra-negatives, as the network sees them.

From the root of the repository:

    python -m projects.quickstart.picture
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from iic_ptv.data.procedural import MOTIONS, render_clips
from iic_ptv.transforms import repeat_frame, residual, shuffle_segments

PICTURE = Path(__file__).with_name("views.png")
FRAMES, SIDE, GAP, MARGIN = 8, 96, 4, 250
PAPER, INK, FAINT = (255, 255, 255), (30, 30, 35), (110, 110, 120)
POSITIVE, NEGATIVE = (0, 114, 178), (196, 78, 0)  # told apart by colour-blind readers, too


def rows() -> list[tuple[str, str, tuple[int, int, int], Tensor]]:
    """Title, explanation, colour and clip ``(3, T, H, W)`` of every row."""
    generator = torch.Generator().manual_seed(11)
    motion = torch.tensor([MOTIONS.index("translate_right")])
    clip = render_clips(motion, num_frames=FRAMES, size=SIDE, generator=generator)[0]
    return [
        ("view 1: RGB", "the clip", POSITIVE, clip),
        ("view 2: residual", "what changed, same video", POSITIVE, residual(clip, cyclic=False)),
        ("intra-negative: repeat", "one frame, no motion", NEGATIVE, repeat_frame(clip, generator)),
        ("intra-negative: shuffle", "same frames, other order", NEGATIVE, shuffle_segments(clip, generator=generator)),
    ]


def draw(content: list[tuple[str, str, tuple[int, int, int], Tensor]]) -> Image.Image:
    """Lay the rows out as film strips."""
    step = SIDE + GAP
    picture = Image.new("RGB", (MARGIN + FRAMES * step, len(content) * (step + 2 * GAP)), PAPER)
    pen, title_font, font = ImageDraw.Draw(picture), ImageFont.load_default(19), ImageFont.load_default(15)
    for number, (title, explanation, color, clip) in enumerate(content):
        top = number * (step + 2 * GAP)
        pen.rectangle((0, top + 8, 5, top + SIDE - 8), fill=color)
        pen.text((16, top + 22), title, fill=INK, font=title_font)
        pen.text((16, top + 50), explanation, fill=FAINT, font=font)
        frames = clip.mul(255).round().byte().permute(1, 2, 3, 0).numpy()
        for place, frame in enumerate(frames):
            picture.paste(Image.fromarray(frame), (MARGIN + place * step, top))
    return picture


def main() -> None:
    """Write ``views.png`` beside this file."""
    draw(rows()).save(PICTURE)
    print(PICTURE)


if __name__ == "__main__":
    main()
