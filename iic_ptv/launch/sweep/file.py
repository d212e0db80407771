"""What a sweep file says, read strictly: a mistake in it is told before anything waits in a queue."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iic_ptv.errors import InputError
from iic_ptv.files.yaml_file import read_mapping
from iic_ptv.launch.sweep.grid import ROW, members_of
from iic_ptv.launch.sweep.measures import LABELS, SHOWN
from iic_ptv.launch.sweep.said import Said, check_known, near

KEYS = ("config", "data", "options", "rows", "grid", "evaluate", "folder", "job", "at_most", "retries")
PATHS = {"retrieve": ("gallery", "query"), "probe": ("gallery", "query"), "finetune": ("train", "test")}
OF_AN_EVALUATION = ("command", "config", "data", "options", "show")  # its keys beside the paths
OF_A_ROW = ("config", "options", "train", "reported")
TAKEN = ("pretrain", "checkpoints", "logs", "job", "plan")  # in the folder of a member, evaluations being others


@dataclass(frozen=True)
class Evaluation:
    """What is done with every pre-trained network.

    Attributes:
        name: what it is called, as is its folder.
        command: ``retrieve``, ``probe`` or ``finetune``.
        config: YAML file that changes some options.
        data: folder of its videos, if they are not those of the pre-training.
        paths: lists or folders, by what they are to the command: gallery and query, or train and test.
        options: what else differs.
        shown: the figures that are columns of the table: ``top1``, or of one view alone ``rgb.top1``.
    """

    name: str
    command: str
    config: str | None
    data: str | None
    paths: Mapping[str, list[str]]
    options: Mapping[str, Any]
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A configuration with a name: a row of the table, or of each combination of the grid one.

    Attributes:
        config: YAML file, on top of that of all members.
        options: what else differs.
        is_trained: whether it is pre-trained; else the network is evaluated as it is drawn.
        reported: what others report of it, in [0, 1], by the key of the measure that it stands beside.
    """

    config: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    is_trained: bool = True
    reported: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SweepFile:
    """A sweep, as its file describes it.

    Attributes:
        path: the file.
        text: what it holds.
        config: YAML file that all members start from.
        data: folder of the videos.
        options: of all members.
        rows: configurations by their names; each is a member, or as many as the grid has combinations.
        grid: the values of every option that varies.
        evaluations: what follows on each training, in this order.
        folder: what the folder of the members is called; sweeps that name the same one train a member once. None:
            they are in the sweep's own.
        job: what each member asks of the cluster: a preset, or fields of
            :class:`~iic_ptv.launch.request.JobRequest`.
        at_most: how many members run at once; None: as the cluster sees fit.
        retries: how often a member that broke down is tried again by itself.
        overrides: ``KEY VALUE`` pairs of the command line, for all members.
        given: all that the command line says of what is computed.
    """

    path: Path
    text: str
    config: str | None
    data: str | None
    options: Mapping[str, Any]
    rows: Mapping[str, Row]
    grid: Mapping[str, list[Any]]
    evaluations: tuple[Evaluation, ...]
    folder: str | None
    job: Mapping[str, Any]
    at_most: int | None
    retries: int
    overrides: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def members(self) -> dict[str, dict[str, Any]]:
        """What varies, by the name of every member: its row, and the options of the grid."""
        return members_of({**({ROW: list(self.rows)} if self.rows else {}), **self.grid})

    @property
    def command(self) -> str:
        """What begins or goes on with the sweep."""
        return shlex.join(["iic", "sweep", str(self.path), *self.given])

    def row(self, varying: Mapping[str, Any]) -> Row:
        """The row of a member."""
        return self.rows[varying[ROW]] if self.rows else Row()


def read_sweep(path: Path) -> SweepFile:
    """Read a sweep file.

    Raises:
        InputError: there is no such file, it has a key that does not exist, or a value is of the wrong kind.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such sweep file.")
    said = Said(path, read_mapping(path))
    said.check_keys(KEYS)
    evaluations = tuple(_evaluation(path, name, wanted) for name, wanted in said.mapping("evaluate").items())
    file = SweepFile(
        path,
        path.read_text(encoding="utf-8"),
        said.beside("config"),
        said.text("data"),
        said.mapping("options"),
        {str(name): _row(path, str(name), wanted, evaluations) for name, wanted in said.mapping("rows").items()},
        said.mapping("grid"),
        evaluations,
        said.text("folder"),
        said.mapping("job"),
        said.number("at_most", None, least=1),
        said.number("retries", 1, least=0),
    )
    _check_varying(file)
    return file


def _check_varying(file: SweepFile) -> None:
    path, grid = file.path, file.grid
    if not (grid or file.rows):
        raise InputError(
            f"{path}: grid: name the options that vary with their values, such as SEED: [0, 1]; or rows, which are "
            "configurations with names."
        )
    for option, values in grid.items():
        if not isinstance(values, list) or not values:
            raise InputError(f"{path}: grid: {option}: expected a list of values, such as [0, 1]; got {values!r}.")
    for place, options in {"options": file.options, **{name: row.options for name, row in file.rows.items()}}.items():
        if twice := next((option for option in grid if option in options), None):
            raise InputError(f"{path}: {twice} stands in {place} and in grid; leave it out of one of them.")
    if fixed := next((option for option in ("OUTPUT", "NAME") if option in grid), None):
        raise InputError(f"{path}: grid: {fixed} cannot vary: members of a sweep are told apart by their folders.")
    if file.folder is not None and not re.fullmatch(r"[\w-]+", file.folder):
        raise InputError(f"{path}: folder: expected one name, of letters, digits, - and _, got {file.folder!r}.")


def _evaluation(path: Path, name: Any, content: Any) -> Evaluation:
    place = f"evaluate: {name}: "
    if not re.fullmatch(r"[\w-]+", str(name)) or name in TAKEN:
        raise InputError(f"{path}: evaluate: '{name}' cannot be the name of an evaluation; it is a folder's, too.")
    said = Said(path, {} if content is None else content, place)
    command = said.text("command") or str(name)
    if command not in PATHS:
        raise InputError(
            f"{path}: {place}there is no such evaluation.{near(command, PATHS)} There are {', '.join(PATHS)}; one by "
            "another name says which of them it is with command: NAME."
        )
    said.check_keys((*OF_AN_EVALUATION, *PATHS[command]))
    paths = {which: said.texts(which) for which in PATHS[command]}
    shown = said.texts("show") or SHOWN[command]
    check_known([number.rsplit(".", 1)[-1] for number in shown], LABELS[command], f"{path}: {place}show: ", "figure")
    options = said.mapping("options")
    return Evaluation(name, command, said.beside("config"), said.text("data"), paths, options, tuple(shown))


def _row(path: Path, name: str, content: Any, evaluations: Sequence[Evaluation]) -> Row:
    place = f"rows: {name}: "
    said = Said(path, {"config": content} if isinstance(content, str) else content or {}, place)
    said.check_keys(OF_A_ROW)
    is_trained = said.truth("train", default=True)
    if not (is_trained or evaluations):
        raise InputError(f"{path}: {place}train: false leaves nothing to do, as there is nothing in evaluate.")
    shown = {evaluation.name: evaluation.shown for evaluation in evaluations}
    reported = said.mapping("reported")
    check_known(reported, list(shown), f"{path}: {place}reported: ", "evaluation")
    figures = {}
    for evaluation, content in reported.items():
        numbers = Said(path, content, f"{place}reported: {evaluation}: ")
        numbers.check_keys(shown[evaluation])
        figures.update({f"{evaluation}.{number}": numbers.share(number) for number in numbers.content})
    return Row(said.beside("config"), said.mapping("options"), is_trained, figures)
