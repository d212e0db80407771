"""Pre-train on rendered scenes, in slices of minutes if need be: the same command begins a run, and goes on with it.

From the root of the repository:

    python -m projects.procedural.train --minutes 8              # on a GPU that is lent for a while; and again
    python -m projects.procedural.train --config scenes_cpu      # on a CPU, to the end
    python -m projects.procedural.train MODEL.WEIGHTS iic://r3d  # from the zoo's weights on
"""

from __future__ import annotations

import argparse
from pathlib import Path

from iic_ptv.cli.main import main as iic

HERE = Path(__file__).parent


def arguments(output: Path, config: str, minutes: float, overrides: list[str]) -> list[str] | None:
    """What ``iic`` is to be called with; None if the run is complete.

    Args:
        output: where runs are made.
        config: name of the configuration beside this file; the run is called so, too.
        minutes: how long this slice may take; 0: to the end.
        overrides: ``KEY VALUE`` pairs of a new run.
    """
    slice_of = ["TRAINER.MAX_MINUTES", str(minutes)]
    runs = sorted((output / "pretrain").glob(f"*-{config}"))
    if not runs or not (runs[-1] / "checkpoints").is_dir():
        named = ["OUTPUT", str(output), "NAME", config]
        return ["pretrain", "--config", str(HERE / f"{config}.yaml"), *named, *slice_of, *overrides]
    return None if (runs[-1] / "metrics.json").is_file() else ["pretrain", "--resume", str(runs[-1]), *slice_of]


def main() -> None:
    """Begin a run, or go on with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="scenes", help="a configuration beside this file (default: scenes)")
    parser.add_argument("--minutes", type=float, default=0.0, help="of this slice; 0: to the end")
    parser.add_argument("--output", type=Path, default=Path("runs"), help="where the run is made")
    parser.add_argument("overrides", nargs="*", metavar="KEY VALUE", help="options of a new run")
    options = parser.parse_args()
    wanted = arguments(options.output, options.config, options.minutes, options.overrides)
    if wanted is None:
        raise SystemExit(f"the run {options.config} in {options.output} is complete")
    iic(wanted)


if __name__ == "__main__":
    main()
