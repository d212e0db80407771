"""A contact sheet as a picture, for papers and slides."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from iic_ptv.evaluation.sprites import strip_of_frames

MAX_FRAMES = 16  # of a row
FRAME_HEIGHT, GAP, LABEL_HEIGHT, FONT_SIZE = 96, 12, 24, 16  # pixels
PAPER, INK = "white", "#1c1e21"


def contact_sheet_image(clips: Mapping[str, Tensor]) -> Image.Image:
    """Draw clips below each other, frame by frame, each under its label.

    Args:
        clips: by label, ``(3, T, H, W)``, float in [0, 1] or uint8; at most 16 evenly spaced frames are drawn, each 96
            pixels high.

    Raises:
        InputError: a clip is no RGB clip.
    """
    strips = {label: _strip(clip) for label, clip in clips.items()}
    font = ImageFont.load_default(FONT_SIZE)
    width = max(max(strip.width, round(font.getlength(label))) for label, strip in strips.items())
    row_height = LABEL_HEIGHT + FRAME_HEIGHT + GAP
    sheet = Image.new("RGB", (width + 2 * GAP, row_height * len(strips) + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, (label, strip) in enumerate(strips.items()):
        top = GAP + number * row_height
        pen.text((GAP, top), label, fill=INK, font=font)
        sheet.paste(strip, (GAP, top + LABEL_HEIGHT))
    return sheet


def _strip(clip: Tensor) -> Image.Image:
    strip = strip_of_frames(clip, MAX_FRAMES).image
    return strip.resize((round(strip.width * FRAME_HEIGHT / strip.height), FRAME_HEIGHT))
