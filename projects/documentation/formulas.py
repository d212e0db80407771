"""Formulas as drawings within the page: no script, and no font that a reader must have."""

from __future__ import annotations

import html
import re

from matplotlib import rc_context
from matplotlib.textpath import TextPath

SIZE = 10.0  # what one em is in the coordinates of the drawing
COMMANDS = {1: "M", 2: "L", 3: "Q", 4: "C"}  # of matplotlib's paths, as SVG has them


def formula(latex: str) -> str:
    """A formula within a line, in the colour of the text."""
    latex = " ".join(re.sub(r"\\text{(.*?)}", _roman, latex).split())
    with rc_context({"mathtext.fontset": "stix"}):
        path = TextPath((0, 0), f"${latex}$", size=SIZE)
    low, high = path.get_extents().get_points()
    drawing = " ".join(
        f"{COMMANDS[code]}{' '.join(f'{x:.2f} {-y:.2f}' for x, y in vertices.reshape(-1, 2))}"
        if code in COMMANDS
        else "Z"
        for vertices, code in ((vertices, int(code)) for vertices, code in path.iter_segments(simplify=False))
    )
    left, top, width, height = low[0] - 0.5, -high[1] - 0.5, high[0] - low[0] + 1, high[1] - low[1] + 1
    style = f"height:{height / SIZE:.3f}em;vertical-align:{(low[1] - 0.5) / SIZE:.3f}em"
    return (
        f'<svg class="formula" role="img" aria-label="{html.escape(latex)}" style="{style}" fill="currentColor" '
        f'viewBox="{left:.2f} {top:.2f} {width:.2f} {height:.2f}"><path d="{drawing}"/></svg>'
    )


def displayed_formula(latex: str) -> str:
    """A formula in a line of its own."""
    large = latex.replace(r"\frac", r"\dfrac")
    return f'\n<div class="displayed">{formula(large)}</div>\n'


def with_formulas(markdown: str) -> str:
    """Replace formulas as GitHub has them: fences called ``math``, and ``$`...`$`` within a line."""
    markdown = re.sub(r"^```math\n(.*?)^```", lambda found: displayed_formula(found[1]), markdown, flags=re.M | re.S)
    return re.sub(r"\$`(.+?)`\$", lambda found: formula(found[1]), markdown)


def _roman(found: re.Match[str]) -> str:
    """matplotlib has no ``\\text``."""
    return r"\mathrm{" + found[1].replace(" ", r"\ ") + "}"
