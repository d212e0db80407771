"""The command reference, from the parsers of ``iic`` themselves."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from unittest.mock import patch

from iic_ptv.cli.main import make_parser

WIDTH = "96"


def command_reference() -> str:
    """For every command what it does, how it is called, and its options."""
    with patch.dict(os.environ, {"COLUMNS": WIDTH, "NO_COLOR": "1"}):
        parser = make_parser()
        top = f"{_text(parser.description or '')}\n\n{_usage(parser)}\n{_overview(parser)}\n"
        return top + "".join(_described(command, level=2) for command in _commands(parser).values())


def _described(parser: argparse.ArgumentParser, level: int) -> str:
    parts = [f"\n{'#' * level} {parser.prog}\n", _text(parser.description or ""), "", _usage(parser)]
    rows = [f"| {_cell(name)} | {_text(what)} |" for name, what in _arguments(parser)]
    if rows:
        parts += ["| argument | what |", "|---|---|", *rows]
    if parser.epilog:
        parts += ["", f"```text\n{parser.epilog.strip()}\n```"]
    return "\n".join(parts) + "\n" + "".join(_described(each, level + 1) for each in _commands(parser).values())


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The sub-commands of a parser."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(groups[0].choices) if groups else {}


def _overview(parser: argparse.ArgumentParser) -> str:
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    rows = (
        f"| [`iic {choice.dest}`](#iic-{choice.dest}) | {_text(choice.help or '')} |"
        for choice in groups[0]._choices_actions
    )
    return "\n".join(["| command | what |", "|---|---|", *rows])


def _arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    formatter = parser._get_formatter()
    for action in parser._actions:
        if isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)) or action.help == argparse.SUPPRESS:
            continue
        yield formatter._format_action_invocation(action), formatter._expand_help(action) if action.help else ""


def _usage(parser: argparse.ArgumentParser) -> str:
    return f"```text\n{parser.format_usage().removeprefix('usage: ').rstrip()}\n```\n"


def _text(help_text: str) -> str:
    """Help as Markdown: what looks like HTML or a table is neither."""
    return " ".join(help_text.split()).replace("<", "&lt;").replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


def _cell(invocation: str) -> str:
    return f"`{invocation}`".replace("|", "\\|")
