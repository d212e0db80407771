"""The configuration reference, from the source of ``iic_ptv/config.py``: its comments say what each option is."""

from __future__ import annotations

import ast
import inspect
import io
import math
import re
import textwrap
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

from iic_ptv.config import ELEMENTS, LENGTHS, RANGES, default_config

GROUP = "CfgNode()"
HEAD = ["| option and default | what it is |", "|---|---|"]


class Option(NamedTuple):
    """An option as the source has it; a group of options has ``CfgNode()`` for its default."""

    key: str
    default: str
    comment: str


def options() -> Iterator[Option]:
    """All options, in the order of the source."""
    source = textwrap.dedent(inspect.getsource(default_config))
    comments = _comments(source)
    for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined]
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Attribute):
            continue
        before: list[str] = []
        line = node.lineno - 1
        while line in comments and not source.splitlines()[line - 1].split("#")[0].strip():
            before.insert(0, comments[line])
            line -= 1
        comment = " ".join([*before, comments.get(node.end_lineno or node.lineno, "")]).strip()
        yield Option(ast.unparse(node.targets[0]).removeprefix("cfg."), ast.unparse(node.value), comment)


def allowed(key: str, default: str) -> str:
    """What a value must be, in words."""
    if default.startswith("CfgNode"):
        return "a group of options" if default == GROUP else "options of the part"
    value = ast.literal_eval(default)
    name = {str: "text", bool: "True or False", int: "whole number", float: "number"}.get(type(value), "")
    if isinstance(value, list):
        name = "list of whole numbers" if ELEMENTS.get(key) is int else "list of text"
        if key in LENGTHS:
            name += f", {' or '.join(map(str, LENGTHS[key]))} of them"
    if key not in RANGES:
        return name
    lowest, highest = RANGES[key]
    bounds = f"≥ {lowest:g}" if highest == math.inf else f"{lowest:g} to {highest:.10g}"
    return f"{name}, {bounds}"


def configuration_reference() -> str:
    """A table for each group of options."""
    lines: list[str] = []
    for number, option in enumerate(found := list(options())):
        group = _group(option)
        if not number or (group and group != _group(found[number - 1])):
            lines += ["", f"## {group or 'The run'}", ""]
            if option.default == GROUP and option.comment:
                lines += [f"{_text(option.comment)}.", ""]
            lines += HEAD
        elif not group and _group(found[number - 1]):
            lines += ["", "## Views and intra-negatives", ""]
            lines += HEAD
        if option.default != GROUP or "." in option.key:
            lines.append(_row(option))
    return "\n".join(lines) + "\n"


def _group(option: Option) -> str:
    """The group of an option, or of a group itself; empty for single options."""
    return option.key.split(".")[0] if "." in option.key or option.default == GROUP else ""


def _row(option: Option) -> str:
    anchor = option.key.lower().replace(".", "-")
    default = "" if option.default.startswith("CfgNode") else f"<br>`{option.default}`"
    what = f"{_text(option.comment)}<br>" if option.comment else ""
    cells = (
        f'<span id="{anchor}">`{option.key}`</span>{default}',
        f"{what}<small>{allowed(option.key, option.default)}</small>",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _text(comment: str) -> str:
    """A comment as Markdown: ``<command>`` is no HTML, and names with dots may be broken."""
    return re.sub(r"(?<=\w)\.(?=\w)", ".<wbr>", comment.replace("<", "&lt;"))


def _comments(source: str) -> dict[int, str]:
    """The comment of every line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
