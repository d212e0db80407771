"""What is printed of findings, and the last line."""

from __future__ import annotations

import pytest

from iic_ptv.runs.doctor.checks import REQUIRED
from iic_ptv.runs.doctor.finding import Finding, State
from iic_ptv.runs.doctor.shown import show, verdict

FINE = Finding("av", State.FINE, "18.1")
ABSENT = Finding("[umap]", State.ABSENT, "not installed", 'pip install "iic-ptv[umap]"')
KNOWN = Finding("decord", State.KNOWN, "fails", "do without sound")
NOTE = Finding("runs", State.NOTE, "0.1 GB free", "OUTPUT FOLDER")
BROKEN = Finding("torch", State.BROKEN, "cannot be imported", "pip install torch")


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        ([FINE, ABSENT, KNOWN], "All is well."),
        ([FINE, NOTE], "What is required works. Worth mending: runs: OUTPUT FOLDER"),
        ([NOTE, BROKEN, FINE], "The first thing to mend: torch: pip install torch"),
        ([BROKEN, BROKEN, NOTE], "The first thing to mend: torch: pip install torch (and 1 more thing above)"),
        ([Finding("old", State.NOTE, "down")], "What is required works. Worth mending: old: down"),
    ],
)
def test_the_last_line_says_what_to_do_first(findings: list[Finding], line: str) -> None:
    assert verdict({"things": findings}) == line


def test_everything_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    show({REQUIRED: [FINE, FINE, BROKEN], "Others": [ABSENT, KNOWN, NOTE]})
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "ok 2 packages av 18.1, av 18.1" in lines
    assert "broken torch cannot be imported" in lines
    assert "none [umap] not installed" in lines
    assert '-> pip install "iic-ptv[umap]"' in lines
    assert lines[-1] == "The first thing to mend: torch: pip install torch"
