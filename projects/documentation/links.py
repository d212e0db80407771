"""Links to files of the repository, as links within the site.

Pages and the READMEs that they take up link to files, as one reads them in the repository. In the site such a link
leads to the page that has taken up the file, to a page that shows it, or, where it is neither text nor picture,
nowhere.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = Path(__file__).parent / "pages"
SHOWN = {
    ".py": "python",
    ".yaml": "yaml",
    ".sh": "bash",
    ".sbatch": "bash",
    ".csv": "text",
    "": "text",
    ".toml": "toml",
}
PICTURES = (".png", ".svg", ".gif")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
CODE = re.compile(r"(^ *```.*?^ *```)", re.MULTILINE | re.DOTALL)


def in_text(markdown: str, change: Callable[[str], str]) -> str:
    """Change what is not in blocks of code."""
    return "".join(part if number % 2 else change(part) for number, part in enumerate(CODE.split(markdown)))


def linked_files(markdown: str, base: Path) -> set[Path]:
    """Files of the repository to which a text links that is read as lying in ``base``."""
    targets: set[Path] = set()

    def note(part: str) -> str:
        targets.update(
            base.joinpath(found[3].split("#")[0]).resolve() for found in LINK.finditer(part) if _local(found[3])
        )
        return part

    in_text(markdown, note)
    return {target for target in targets if target.is_file() and PAGES not in target.parents}


def page_showing(path: Path) -> str:
    """The page, or for a picture the file, under which the site has a file of the repository; empty if it has none."""
    name = f"repository/{path.relative_to(ROOT).as_posix()}"
    if path.suffix in PICTURES:
        return name
    return f"{name}.md" if path.suffix in SHOWN and path.is_file() else ""


def with_site_links(markdown: str, base: Path, page: str, taken_up: dict[Path, str]) -> str:
    """Rewrite the links of a text.

    Args:
        markdown: the text.
        base: the folder from which its links are meant.
        page: the page it is for, relative to ``PAGES``.
        taken_up: files and folders of the repository, and the pages that have taken them up.
    """

    def link(found: re.Match[str]) -> str:
        if not _local(found[3]):
            return found[0]
        path, _, anchor = found[3].partition("#")
        target = base.joinpath(path).resolve()
        inside = PAGES in target.parents
        place = target.relative_to(PAGES).as_posix() if inside else taken_up.get(target) or page_showing(target)
        if not place:
            return found[2]
        return (
            f"{found[1]}[{found[2]}]({posixpath.relpath(place, posixpath.dirname(page))}{'#' * bool(anchor)}{anchor})"
        )

    return in_text(markdown, lambda part: LINK.sub(link, part))


def _local(target: str) -> bool:
    return not re.match(r"#|[a-z]+:", target)
