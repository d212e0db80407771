"""What a sweep file says, read strictly: a mistake in it is told before anything waits in a queue."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iic_ptv.errors import InputError
from iic_ptv.files.yaml_file import read_mapping

KEYS = ("config", "data", "options", "grid", "evaluate", "job", "at_most", "retries")
PATHS = {"retrieve": ("gallery", "query"), "probe": ("gallery", "query"), "finetune": ("train", "test")}
OF_AN_EVALUATION = ("command", "config", "data", "options")  # its keys beside the paths
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
    """

    name: str
    command: str
    config: str | None
    data: str | None
    paths: Mapping[str, list[str]]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class SweepFile:
    """A sweep, as its file describes it.

    Attributes:
        path: the file.
        text: what it holds.
        config: YAML file that all members start from.
        data: folder of the videos.
        options: of all members.
        grid: the values of every option that varies.
        evaluations: what follows on each training, in this order.
        job: what each member asks of the cluster: a preset, or fields of
            :class:`~iic_ptv.launch.request.JobRequest`.
        at_most: how many members run at once; None: as the cluster sees fit.
        retries: how often a member that broke down is tried again by itself.
    """

    path: Path
    text: str
    config: str | None
    data: str | None
    options: Mapping[str, Any]
    grid: Mapping[str, list[Any]]
    evaluations: tuple[Evaluation, ...]
    job: Mapping[str, Any]
    at_most: int | None
    retries: int


def read_sweep(path: Path) -> SweepFile:
    """Read a sweep file.

    Raises:
        InputError: there is no such file, it has a key that does not exist, or a value is of the wrong kind.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such sweep file.")
    content = read_mapping(path)
    _check_keys(content, KEYS, f"{path}: ")
    said = _Said(path, content)
    grid = said.mapping("grid")
    if not grid:
        raise InputError(f"{path}: grid: name the options that vary with their values, such as SEED: [0, 1].")
    for option, values in grid.items():
        if not isinstance(values, list) or not values:
            raise InputError(f"{path}: grid: {option}: expected a list of values, such as [0, 1]; got {values!r}.")
    options = said.mapping("options")
    if twice := next((option for option in grid if option in options), None):
        raise InputError(f"{path}: {twice} stands in options and in grid; leave it out of one of them.")
    if fixed := next((option for option in ("OUTPUT", "NAME") if option in grid), None):
        raise InputError(f"{path}: grid: {fixed} cannot vary: members of a sweep are told apart by their folders.")
    evaluations = said.mapping("evaluate")
    return SweepFile(
        path,
        path.read_text(encoding="utf-8"),
        said.beside("config"),
        said.text("data"),
        options,
        grid,
        tuple(_evaluation(path, name, wanted) for name, wanted in evaluations.items()),
        said.mapping("job"),
        said.number("at_most", None, least=1),
        said.number("retries", 1, least=0),
    )


def _evaluation(path: Path, name: Any, content: Any) -> Evaluation:
    place = f"evaluate: {name}: "
    if not re.fullmatch(r"[\w-]+", str(name)) or name in TAKEN:
        raise InputError(f"{path}: evaluate: '{name}' cannot be the name of an evaluation; it is a folder's, too.")
    said = _Said(path, {} if content is None else content, place)
    command = said.text("command") or str(name)
    if command not in PATHS:
        near = _near(command, PATHS)
        raise InputError(
            f"{path}: {place}there is no such evaluation.{near} There are {', '.join(PATHS)}; one by another name says "
            "which of them it is with command: NAME."
        )
    _check_keys(said.content, (*OF_AN_EVALUATION, *PATHS[command]), f"{path}: {place}")
    paths = {which: said.texts(which) for which in PATHS[command]}
    return Evaluation(name, command, said.beside("config"), said.text("data"), paths, said.mapping("options"))


class _Said:
    """Values of the kinds that are expected, by their keys.

    Args:
        path: the file.
        content: what it says, or a part of that.
        place: where in it, for messages.
    """

    def __init__(self, path: Path, content: Any, place: str = "") -> None:
        self.path = path
        self.place = place
        if not isinstance(content, dict):
            raise self._unexpected(place.removesuffix(": "), "keys with values", content)
        self.content: dict[str, Any] = content

    def mapping(self, key: str) -> dict[str, Any]:
        value = self.content.get(key)
        if value is not None and not isinstance(value, dict):
            raise self._unexpected(self.place + key, "keys with values", value)
        return value or {}

    def text(self, key: str) -> str | None:
        value = self.content.get(key)
        if isinstance(value, dict | list):
            raise self._unexpected(self.place + key, "one name", value)
        return None if value is None else str(value)

    def texts(self, key: str) -> list[str]:
        value = self.content.get(key)
        values = [] if value is None else value if isinstance(value, list) else [value]
        if any(isinstance(each, dict | list) for each in values):
            raise self._unexpected(self.place + key, "a name or a list of names", value)
        return [str(each) for each in values]

    def number(self, key: str, default: Any, least: int) -> Any:
        value = self.content.get(key, default)
        if value is not default and (type(value) is not int or value < least):
            raise self._unexpected(self.place + key, f"a number of at least {least}", value)
        return value

    def beside(self, key: str) -> str | None:
        """A file that is named as seen from the sweep file."""
        name = self.text(key)
        return name if name is None or "://" in name else str(self.path.parent / name)

    def _unexpected(self, place: str, expected: str, value: Any) -> InputError:
        return InputError(f"{self.path}: {place}: expected {expected}, got {value!r}.")


def _check_keys(content: Mapping[str, Any], known: Collection[str], place: str) -> None:
    if unknown := next((key for key in content if key not in known), None):
        near = _near(unknown, known)
        raise InputError(f"{place}{unknown}: there is no such key.{near} There are {', '.join(known)}.")


def _near(name: Any, known: Collection[str]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    return f" Did you mean {near[0]}?" if near else ""
