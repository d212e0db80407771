"""Draw the picture of the README: what the network sees of rendered scenes.

From the root of the repository:

    python -m projects.procedural.picture
"""

from __future__ import annotations

from pathlib import Path

import torch

from iic_ptv.data.procedural import ACTIONS, render_scenes, scene_actions
from projects.quickstart.picture import FRAMES, NEGATIVE, POSITIVE, SIDE, draw

PICTURE = Path(__file__).with_name("scenes.png")
SEEDS = (42, 6, 102, 109, 45)
FRAMES_APART = 2.0
COLORS = 256  # of the file: noise in all colours makes it four times as large


def main() -> None:
    """Write ``scenes.png`` beside this file."""
    seeds = torch.tensor(SEEDS)
    scenes = render_scenes(seeds, FRAMES_APART * torch.arange(FRAMES), SIDE)
    actions = [ACTIONS[action].replace("_", " ") for action in scene_actions(seeds)]
    rows = [
        (action, f"scene {seed}", (POSITIVE, NEGATIVE)[number % 2], scene)
        for number, (seed, action, scene) in enumerate(zip(SEEDS, actions, scenes, strict=True))
    ]
    draw(rows).quantize(COLORS).save(PICTURE, optimize=True)
    print(PICTURE)


if __name__ == "__main__":
    main()
