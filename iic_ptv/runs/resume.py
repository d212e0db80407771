"""Going on with a run: what of its configuration may change, and where its data lie by now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fvcore.common.config import CfgNode

from iic_ptv.config import load_config
from iic_ptv.data.flow.computed import METHODS
from iic_ptv.errors import InputError
from iic_ptv.runs.checkpoint import BEST, DAMAGED, LAST, PREVIOUS, Checkpoint, read_checkpoint
from iic_ptv.runs.folder import is_further_process

# What may change when a run is resumed: where it runs, not what it computes.
CHANGEABLE = (
    *("DATA.ROOT", "DATA.ANNOTATIONS", "DATA.FLOW", "DATA.DECODER", "DATA.TIME_LIMIT", "DATA.MAX_BAD_SHARE"),
    *("DATA.NUM_WORKERS", "DATA.START_METHOD", "LOSS.BANKS", "TRAINER."),
)
EXTENDABLE_SCHEDULES = ("multistep", "constant", "plateau")  # the others are made for a number of epochs


def resumed(resume: str, writer: str, overrides: Sequence[str]) -> tuple[CfgNode, Checkpoint]:
    """The configuration of a run with what changes in it, and the checkpoint to go on from.

    Args:
        resume: run folder or checkpoint.
        writer: the command that goes on.
        overrides: ``KEY VALUE`` pairs.

    Raises:
        InputError: there is no checkpoint, another command wrote it, or a key cannot change within a run.
    """
    checkpoint = read_checkpoint(resume, to_resume=True)
    if checkpoint.writer != writer:
        raise InputError(f"{checkpoint.path}: this was written by {checkpoint.writer}, so `{writer}` cannot resume it.")
    if checkpoint.path.name == BEST.name:
        raise InputError(f"{checkpoint.path}: a run goes on from its last checkpoint; name the folder of the run.")
    _set_damaged_aside(checkpoint)
    cfg = load_config(None, overrides, base=checkpoint.config)
    changeable = [*CHANGEABLE, *(["OPTIM.EPOCHS"] if cfg.OPTIM.SCHEDULE in EXTENDABLE_SCHEDULES else [])]
    for key in overrides[::2]:
        if not key.startswith(tuple(changeable)):
            raise InputError(
                f"--resume: {key} cannot change within a run, only {', '.join(changeable)} can; "
                "begin a new run to change the rest."
            )
    return cfg, checkpoint


def _set_damaged_aside(checkpoint: Checkpoint) -> None:
    """Keep a damaged last checkpoint from becoming the one before the next, in the place of the good one."""
    last = checkpoint.run_folder / LAST
    if checkpoint.path.name == PREVIOUS.name and last.is_file() and not is_further_process():
        last.replace(checkpoint.run_folder / DAMAGED)


def already_complete(checkpoint: Checkpoint) -> InputError:
    """What to say when there is nothing left to train, and how one trains further."""
    further = (
        "to train further, resume it with more OPTIM.EPOCHS."
        if checkpoint.config.OPTIM.SCHEDULE in EXTENDABLE_SCHEDULES
        else f"its schedule, {checkpoint.config.OPTIM.SCHEDULE}, ends there: to train longer, begin a new run."
    )
    return InputError(f"{checkpoint.path}: this run is complete, with {checkpoint.step} steps; {further}")


def make_paths_absolute(cfg: CfgNode) -> None:
    """Let the checkpoint find the data from any folder."""
    of_data = ((cfg.DATA, key) for key in ("ROOT", "ANNOTATIONS", "MANIFEST", "CLASS_INDEX", "FLOW"))
    for group, key in ((cfg.MODEL, "WEIGHTS"), *of_data):
        if Path(group[key]).exists() and group[key] not in ("", *METHODS):
            group[key] = str(Path(group[key]).absolute())
    for group, key in ((cfg.DATA, "LISTS"), (cfg.EVAL, "GALLERY"), (cfg.EVAL, "QUERY")):
        group[key] = [str(Path(name).absolute()) if Path(name).exists() else name for name in group[key]]
