"""A clip as a report shows it: a player that moves when pointed at, and its frames side by side."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from iic_ptv.evaluation.sprites import Sprite, film_strip_sprite

SHORTEST, LONGEST = 0.5, 8.0  # seconds that a clip plays


def playing_seconds(seconds: float) -> float:
    """How long to play a clip that lasts so long: an eye must be able to follow, and files may tell any frame rate."""
    return min(max(seconds, SHORTEST), LONGEST)


@dataclass(frozen=True, eq=False)
class FilmStrip:
    """A clip, and what there is to say of it.

    Attributes:
        clip: ``(3, T, H, W)``, float in [0, 1] or uint8; at most 8 evenly spaced frames are shown.
        class_name: the video's class; empty if it has none.
        video_name: the video's name.
        similarity: cosine similarity to the query, None for the query itself.
        correct: whether it is of the query's class, None where that has no meaning.
        note: a few words more, such as where in the video the clip begins.
        href: what a click on the name opens, such as the video.
        seconds: how long the clip lasts, by which it plays at its own speed.
    """

    clip: Tensor
    class_name: str
    video_name: str
    similarity: float | None = None
    correct: bool | None = None
    note: str = ""
    href: str | None = None
    seconds: float = 1.0

    @property
    def playing_seconds(self) -> float:
        """How long it plays on the page."""
        return playing_seconds(self.seconds)

    @property
    def sprite(self) -> Sprite:
        """The frames in one image."""
        return film_strip_sprite(self.clip)
