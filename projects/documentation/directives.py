"""What pages take up from elsewhere, in the place of comments like ``<!-- site: include projects/iic/README.md -->``.

So nothing is written twice: READMEs, recipes, the notebook, and the tables that follow from the code.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

from projects.documentation.commands import command_reference
from projects.documentation.configuration import configuration_reference
from projects.documentation.links import ROOT
from projects.documentation.notebook import notebook_as_markdown
from projects.documentation.parts import parts_reference

DIRECTIVE = re.compile(r"<!-- site: (\w+) ?(.*?) -->\n?")
FOLDER = Path(__file__).parent
LANGUAGES = {".py": "python", ".sh": "bash"}


class Piece(NamedTuple):
    """Part of a page: its text, and the folder from which its links are meant."""

    text: str
    base: Path


def pieces_of(page: Path) -> list[Piece]:
    """The text of a page with all that it takes up.

    Raises:
        ValueError: a directive is not known, or names what does not exist.
    """
    pieces, end, text = [], 0, page.read_text()
    for found in DIRECTIVE.finditer(text):
        pieces += [Piece(text[end : found.start()], page.parent), _taken_up(found[1], found[2])]
        end = found.end()
    return [*pieces, Piece(text[end:], page.parent)]


def included(page: Path) -> list[Path]:
    """Files of the repository that a page takes up whole."""
    return [ROOT / name for kind, name in DIRECTIVE.findall(page.read_text()) if kind == "include"]


def _taken_up(kind: str, name: str) -> Piece:
    if kind == "include":
        return Piece((ROOT / name).read_text() + "\n", (ROOT / name).parent)
    if kind == "section":
        file, _, title = name.partition(" ")
        return Piece(_section(ROOT / file, title), (ROOT / file).parent)
    if kind == "recipe":
        path = FOLDER / "recipes" / name
        return Piece(f'```{LANGUAGES[path.suffix]} title="recipes/{name}"\n{path.read_text()}```\n', FOLDER)
    if kind == "notebook":
        return Piece(notebook_as_markdown(FOLDER / name), FOLDER)
    if kind == "api":
        return Piece("".join(f"::: {name}.{part}\n\n" for part in public_names(name)), FOLDER)
    if kind in GENERATED:
        return Piece(GENERATED[kind](), ROOT)
    raise ValueError(f"<!-- site: {kind} -->: there is no such directive.")


def _section(path: Path, title: str) -> str:
    """What stands under a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", path.read_text(), re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f"{path.relative_to(ROOT)} has no section '{title}'.")
    return found[1]


def public_names(package: str) -> list[str]:
    """``__all__`` of a package, which is not imported."""
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    raise ValueError(f"{package} has no __all__.")


GENERATED = {"configuration": configuration_reference, "commands": command_reference, "parts": parts_reference}
