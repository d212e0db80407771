"""Draw the figures of the concept page: views and negatives, the network, the memory banks, the loss.

From the root of the repository:

    python -m projects.documentation.figures
"""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from iic_ptv.data.procedural import MOTIONS, render_clips
from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.transforms import freeze_segment, reverse_frames, rotate_frames, shuffle_frames
from projects.quickstart.picture import FRAMES, NEGATIVE, SIDE, draw, rows

FOLDER = Path(__file__).parent / "pages" / "learn"
BLUE, ORANGE, GREY = "#0072b2", "#c44e00", "#8a8a94"  # positives, intra-negatives, other videos
INK = "#1e1e23"


def negatives_picture() -> None:
    """The intra-negatives beyond those of the front page's picture, as film strips."""
    generator = torch.Generator().manual_seed(11)
    motion = torch.tensor([MOTIONS.index("translate_right")])
    clip = render_clips(motion, num_frames=FRAMES, size=SIDE, generator=generator)[0]
    more = [
        ("shuffle_frames", "every frame elsewhere", shuffle_frames(clip, generator)),
        ("freeze", "half of it stands still", freeze_segment(clip, generator=generator)),
        ("rotate", "turned by 90, 180 or 270 degrees", rotate_frames(clip, generator=generator)),
        ("reverse", "backwards", reverse_frames(clip)),
    ]
    repeat_and_shuffle = rows()[2:]
    draw([*repeat_and_shuffle, *((name, what, NEGATIVE, made) for name, what, made in more)]).quantize(128).save(
        FOLDER / "negatives.png"
    )


def network_figure() -> Figure:
    """From one clip to three features: two views that attract each other, and the intra-negative."""
    figure, axes = canvas(8.6, 3.1)
    box(axes, 0.2, 1.3, 1.2, 0.6, "a clip of\nvideo $i$", INK)
    lanes = [
        (2.5, "view 1: RGB", BLUE, "f_1"),
        (1.3, "view 2: residual", BLUE, "f_2"),
        (0.1, "intra-negative", ORANGE, "f_n"),
    ]
    for height, label, color, feature in lanes:
        arrow(axes, (1.4, 1.6), (2.1, height + 0.3))
        box(axes, 2.1, height, 1.9, 0.6, label, color)
        arrow(axes, (4.0, height + 0.3), (4.6, height + 0.3))
        arrow(axes, (6.0, height + 0.3), (6.6, height + 0.3))
        box(axes, 6.6, height, 0.7, 0.6, f"${feature}$", color)
    box(axes, 4.6, 0.1, 1.4, 3.0, "one network\n(R3D),\nshared", INK, fill="#f3f3f6")
    axes.annotate("", (7.45, 1.75), (7.45, 2.65), arrowprops={"arrowstyle": "<->", "color": BLUE, "lw": 1.6})
    axes.text(7.55, 2.2, "pulled\ntogether", color=BLUE, va="center", fontsize=9)
    axes.annotate(
        "",
        (7.45, 0.5),
        (7.45, 1.45),
        arrowprops={"arrowstyle": "|-|,widthA=.25,widthB=.25", "color": ORANGE, "lw": 1.6},
    )
    axes.text(7.55, 1.0, "pushed\napart", color=ORANGE, va="center", fontsize=9)
    return figure


def banks_figure() -> Figure:
    """Three memory banks, the rows that one clip is contrasted with, and the update afterwards."""
    figure, axes = canvas(8.6, 3.5)
    own, drawn, count = 2, (0, 4, 5), 7
    for column, (left, title, color) in enumerate(
        [(1.6, "$M_1$: view 1", BLUE), (3.6, "$M_2$: view 2", BLUE), (5.6, "$M_n$: intra-negatives", ORANGE)]
    ):
        axes.text(left + 0.7, 3.25, title, ha="center", fontsize=10, color=color)
        for row in range(count):
            used = column > 0 and row in (own, *drawn)
            face = {True: color if row == own else GREY, False: "white"}[used]
            axes.add_patch(Rectangle((left, 2.7 - 0.4 * row), 1.4, 0.32, facecolor=face, edgecolor=GREY, lw=0.8))
    for row in range(count):
        label = "video $i$" if row == own else ("drawn" if row in drawn else "")
        axes.text(1.45, 2.86 - 0.4 * row, label, ha="right", va="center", fontsize=9, color=INK)
    axes.text(4.3, 2.86 - 0.4 * own, "the positive", ha="center", va="center", fontsize=8.5, color="white")
    axes.text(6.3, 2.86 - 0.4 * own, "its own, destroyed", ha="center", va="center", fontsize=8.5, color="white")
    axes.text(7.15, 2.86 - 0.4 * own, "all coloured rows\nare compared\nwith $f_1$", va="center", fontsize=9, color=INK)
    axes.text(
        4.3,
        0.02,
        "then each bank's row $i$ moves half of the way to the new feature",
        ha="center",
        fontsize=9,
        color=INK,
    )
    return figure


def loss_figure() -> Figure:
    """What the softmax makes of given similarities, by the package's own loss: with and without intra-negatives."""
    figure, panels = plt.subplots(1, 2, figsize=(8.6, 2.9), sharey=True, layout="constrained")
    similar = {"positive": 0.9, "other videos": 0.5, "its own\nintra-negative": 0.85, "others'\nintra-negatives": 0.5}
    for axes, with_negatives in zip(panels, (False, True), strict=True):
        names = list(similar)[: 4 if with_negatives else 2]
        share = probabilities(similar, with_negatives)
        axes.bar(names, [share[name] for name in names], color=[BLUE, GREY, ORANGE, GREY][: len(names)], width=0.6)
        for place, name in enumerate(names):
            axes.text(place, share[name] + 0.02, f"{100 * share[name]:.0f} %", ha="center", fontsize=9, color=INK)
        axes.set(title="IIC" if with_negatives else "CMC: without intra-negatives", ylim=(0, 1.1), yticks=[])
        axes.spines[["top", "right", "left"]].set_visible(False)
    panels[0].set_ylabel("share of the softmax")
    return figure


def probabilities(
    similar: dict[str, float], with_negatives: bool, temperature: float = 0.07, drawn: int = 16
) -> dict[str, float]:
    """Shares of the columns of the loss, whose banks are set so that the similarities are the given ones."""
    loss = InterIntraNCELoss(
        drawn + 1, 2, num_negatives=drawn, intra_negatives=with_negatives, temperature=temperature, exclude_self=True
    ).eval()

    def vector(similarity: float) -> torch.Tensor:
        return torch.tensor([similarity, math.sqrt(1 - similarity**2)])

    rows_of = loss.bank.features
    rows_of[:2, 0], rows_of[:2, 1:] = vector(similar["positive"]), vector(similar["other videos"])
    feature = torch.tensor([[1.0, 0.0]])
    if with_negatives:
        rows_of[2, 0], rows_of[2, 1:] = (
            vector(similar["its own\nintra-negative"]),
            vector(similar["others'\nintra-negatives"]),
        )
    _, metrics = loss([feature, feature], feature if with_negatives else None, torch.tensor([0]))
    positive = metrics["positive_probability"].item()
    if not with_negatives:
        return {"positive": positive, "other videos": 1 - positive}
    own = metrics["intra_probability"].item()
    rest = (1 - positive - own) / 2  # as many columns of other videos as of their intra-negatives, equally similar
    names = list(similar)
    return dict(zip(names, (positive, rest, own, rest), strict=True))


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty drawing, one unit to the inch."""
    figure, axes = plt.subplots(figsize=(width, height))
    axes.set(xlim=(0, width), ylim=(-0.1, height + 0.1), position=(0, 0, 1, 1))
    axes.axis("off")
    return figure, axes


def box(
    axes: Axes, left: float, bottom: float, width: float, height: float, text: str, color: str, fill: str = "white"
) -> None:
    """A box with its text."""
    style = "round,pad=0,rounding_size=0.08"
    axes.add_patch(
        FancyBboxPatch((left, bottom), width, height, boxstyle=style, facecolor=fill, edgecolor=color, lw=1.4)
    )
    axes.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", color=color, fontsize=9.5)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A thin arrow."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": GREY, "lw": 1.1})


def main() -> None:
    """Write all figures; the same again from the same code."""
    matplotlib.use("Agg")
    plt.rcParams.update({"svg.hashsalt": "iic_ptv", "svg.fonttype": "path", "font.size": 9.5})
    negatives_picture()
    for name, make in {"network": network_figure, "banks": banks_figure, "loss": loss_figure}.items():
        figure = make()
        figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None}, facecolor="white")
        plt.close(figure)
    print(*sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".svg", ".png")))


if __name__ == "__main__":
    main()
