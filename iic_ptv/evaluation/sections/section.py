"""What all sections of a report have in common."""

from __future__ import annotations

from typing import ClassVar


class Section:
    """A part of a report.

    Attributes:
        name: of the template and the style sheet, ``templates/<name>.html.j2`` and ``templates/<name>.css``; the
            template sees the section as ``section``, and every network's colour as ``colours[label]``.
        is_figure: whether it makes cards that may stand side by side with those before and after it.
    """

    name: ClassVar[str]
    is_figure: ClassVar[bool] = False
