"""A contact sheet: clips below each other, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from iic_ptv.evaluation.sections.film_strip import playing_seconds
from iic_ptv.evaluation.sections.section import Section
from iic_ptv.evaluation.sprites import Sprite, film_strip_sprite

FRAMES = 16


@dataclass(frozen=True, eq=False)
class SheetRow:
    """A clip of a contact sheet.

    Attributes:
        label: what it is.
        clip: ``(3, T, H, W)``, float in [0, 1] or uint8; at most 16 evenly spaced frames are shown.
        note: what there is to see.
    """

    label: str
    clip: Tensor
    note: str = ""

    @property
    def sprite(self) -> Sprite:
        """The frames in one image."""
        return film_strip_sprite(self.clip, FRAMES)


@dataclass(frozen=True, eq=False)
class ContactSheet(Section):
    """Clips below each other, frame by frame, that play when pointed at.

    Attributes:
        rows: the clips.
        title: the heading.
        note: what they have in common.
        seconds: how long a clip lasts.
    """

    rows: Sequence[SheetRow]
    title: str = "Contact sheet"
    note: str = ""
    seconds: float = 1.0

    name = "contact_sheet"

    @property
    def playing_seconds(self) -> float:
        """How long they play on the page."""
        return playing_seconds(self.seconds)
