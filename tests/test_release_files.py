"""Citation, changelog and version say the same."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from iic_ptv import __version__

ROOT = Path(__file__).parents[1]


def test_the_citation_is_of_this_version_and_names_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()  # what the format requires
    assert citation["version"] == __version__
    assert citation["preferred-citation"]["title"] in (ROOT / "README.md").read_text()


def test_the_changelog_begins_with_this_version() -> None:
    found = re.search(r"^## \[(.+?)\] - (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert found
    assert found[1] == __version__
    assert re.fullmatch(r"Unreleased|\d{4}-\d{2}-\d{2}", found[2])
