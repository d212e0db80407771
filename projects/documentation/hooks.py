"""What MkDocs calls while it builds the site: take up what pages ask for, mend links, show linked files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from projects.documentation.directives import included, pieces_of
from projects.documentation.formulas import with_formulas
from projects.documentation.links import PAGES, PICTURES, ROOT, SHOWN, linked_files, page_showing, with_site_links

_taken_up: dict[Path, str] = {}


def on_files(files: Files, config: Any) -> Files:
    """Add a page, or the picture, for every file of the repository that some page links to."""
    pages = sorted(PAGES.rglob("*.md"))
    _taken_up.update(_pages_of_files(pages))
    linked = {file for page in pages for piece in pieces_of(page) for file in linked_files(*piece)}
    for path in sorted(linked - _taken_up.keys()):
        name = page_showing(path)
        if path.suffix in PICTURES:
            files.append(File.generated(config, name, abs_src_path=str(path)))
        elif name:
            files.append(File.generated(config, name, content=_shown(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """The text of a page as it is to be rendered."""
    name = page.file.src_uri
    if not (PAGES / name).is_file():
        return markdown
    text = "".join(with_site_links(*piece, name, _taken_up) for piece in pieces_of(PAGES / name))
    return with_formulas(text)


def _pages_of_files(pages: list[Path]) -> dict[Path, str]:
    """Where files that are taken up whole are found, with the folders that READMEs and reference pages describe."""
    found = {ROOT / "iic_ptv" / page.stem: page for page in pages if page.parent.name == "reference"}
    for page in pages:
        for path in included(page):
            found |= {path: page} | ({path.parent: page} if path.name == "README.md" else {})
    found[ROOT / "iic_ptv" / "config.py"] = PAGES / "reference" / "configuration.md"
    found[ROOT / "README.md"] = found[ROOT] = PAGES / "index.md"
    return {path: page.relative_to(PAGES).as_posix() for path, page in found.items()}


def _shown(path: Path) -> str:
    """A page with the content of a file, which search passes over."""
    text = path.read_text()
    fence = "~~~~" if "```" in text else "```"
    title = path.relative_to(ROOT).as_posix()
    front = f"---\ntitle: {title}\nsearch:\n  exclude: true\n---\n"
    return f"{front}# `{title}`\n\n{fence}{SHOWN[path.suffix]}\n{text}\n{fence}\n"
