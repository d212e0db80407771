"""From a sweep file to its members: mistakes in any of them are found here, before one is submitted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode

from iic_ptv.config import load_config, parse_config
from iic_ptv.errors import InputError
from iic_ptv.launch.plan import check_parts, check_videos
from iic_ptv.launch.sweep.file import Evaluation, Row, SweepFile
from iic_ptv.launch.sweep.grid import ROW, overrides_of
from iic_ptv.launch.sweep.member import PLAN, Member, Step
from iic_ptv.launch.sweep.record import MEMBERS
from iic_ptv.runs.checkpoint import LAST, PRETRAIN, Checkpoint
from iic_ptv.runs.evaluation.evaluate import Request as EvaluationRequest
from iic_ptv.runs.evaluation.evaluate import evaluation_config
from iic_ptv.runs.folder import CONFIG
from iic_ptv.runs.recognition.config import Request as FinetuneRequest
from iic_ptv.runs.recognition.config import finetune_config
from iic_ptv.runs.resume import CHANGEABLE, make_paths_absolute
from iic_ptv.runs.run_record import flat


def output_of(file: SweepFile) -> str:
    """Where the runs go.

    Raises:
        InputError: an option of all members cannot be used.
    """
    return str(_config(file, Row(), {}).OUTPUT)


def plan_members(file: SweepFile, folder: Path) -> list[Member]:
    """All members, with configurations that have been looked at.

    Args:
        file: the sweep.
        folder: in which the folder of the members is, or is to be.

    Raises:
        InputError: an option of a member cannot be used, or one that has begun is not the same any more.
    """
    members = [
        Member(name, folder / MEMBERS / name, varying, _steps(file, varying, folder / MEMBERS / name))
        for name, varying in file.members.items()
    ]
    steps = [step for member in members for step in member.steps]
    for root, cfg in {step.cfg.DATA.ROOT: step.cfg for step in steps}.items():
        if not root:
            raise InputError(f"{file.path}: name the folder of the videos, as data: FOLDER or with --data FOLDER.")
        check_videos(cfg)
    for member in members:
        for step in member.steps:
            _check_parts(file, member, step)
            _check_unchanged(file, member, step)
    return members


def _config(file: SweepFile, row: Row, varying: Mapping[str, Any]) -> CfgNode:
    """The configuration of a pre-training; later ones change earlier ones."""
    cfg = load_config(row.config, base=load_config(file.config))
    overrides = [*(["DATA.ROOT", file.data] if file.data else []), *overrides_of(file.options)]
    cfg = load_config(None, overrides, base=cfg, source=f"{file.path}: options")
    cfg = load_config(None, overrides_of(row.options), base=cfg, source=f"{file.path}: rows")
    cfg = load_config(None, file.overrides, base=cfg)
    grid = {option: value for option, value in varying.items() if option != ROW}
    return load_config(None, overrides_of(grid), base=cfg, source=f"{file.path}: grid")


def _steps(file: SweepFile, varying: Mapping[str, Any], folder: Path) -> list[Step]:
    row = file.row(varying)
    cfg = _config(file, row, varying)
    make_paths_absolute(cfg)
    trained = Checkpoint(folder / LAST, PRETRAIN, cfg, [{}])
    training = Step("pretrain", "pretrain", folder, folder / PLAN / "pretrain.yaml", cfg, None)
    return [
        *([training] if row.is_trained else []),
        *(
            Step(
                evaluation.name,
                evaluation.command,
                folder / evaluation.name,
                folder / PLAN / f"{evaluation.name}.yaml",
                _evaluated(file, evaluation, trained),
                folder if row.is_trained else None,
            )
            for evaluation in file.evaluations
        ),
    ]


def _evaluated(file: SweepFile, wanted: Evaluation, trained: Checkpoint) -> CfgNode:
    """The configuration of an evaluation, as its command will find it out from the checkpoint."""
    overrides = overrides_of(wanted.options)
    load_config(None, overrides, source=f"{file.path}: evaluate: {wanted.name}: options")
    asked: dict[str, Any] = {"config": wanted.config, "data": wanted.data, "overrides": overrides, **wanted.paths}
    try:
        if wanted.command == "finetune":
            return finetune_config(FinetuneRequest(**asked), trained)
        return evaluation_config(wanted.command, EvaluationRequest(**asked), trained)
    except InputError as error:
        raise InputError(f"{file.path}: evaluate: {wanted.name}: {error}") from error


def _check_parts(file: SweepFile, member: Member, step: Step) -> None:
    try:
        check_parts(step.cfg)
    except InputError as error:
        raise InputError(f"{file.path}: {member.name}: {step.name}: {error}") from error


def _check_unchanged(file: SweepFile, member: Member, step: Step) -> None:
    """Make sure that a step that has begun is the one that is wanted now; where it runs may change."""
    if not ((step.folder / CONFIG).is_file() and step.plan.is_file()):
        return
    before = dict(flat(parse_config(step.plan.read_text(), str(step.plan))))
    now = dict(flat(step.cfg))
    changed = [key for key in now if now[key] != before.get(key) and not key.startswith(CHANGEABLE)]
    changed += [key for key in before if key not in now]
    if changed:
        key = changed[0]
        raise InputError(
            f"{file.path}: {member.name}: {step.name} began with {key} {before.get(key)!r}, and is now to have "
            f"{now.get(key)!r}. Give the file another name for another sweep, or remove {step.folder} to begin anew."
        )
