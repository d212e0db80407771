"""Look at everything, and tell."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence

from iic_ptv.runs.doctor.checks import all_checks
from iic_ptv.runs.doctor.examine import examine
from iic_ptv.runs.doctor.finding import Check, Finding, State
from iic_ptv.runs.doctor.shown import show
from iic_ptv.runs.terminal import console, say


def doctor_command(as_json: bool) -> bool:
    """Look at everything, and print what was found.

    Args:
        as_json: whether to print JSON, for programs and reports of faults, in the place of text.

    Returns:
        Whether all that is required works.
    """
    with console.status("Looking at what is installed ..."):
        report = collect(examine(list(all_checks())))
    if as_json:
        say(json.dumps(as_dict(report), indent=2))
    else:
        show(report)
    return all(each.state != State.BROKEN for findings in report.values() for each in findings)


def collect(examined: Iterable[tuple[Check, list[Finding]]]) -> dict[str, list[Finding]]:
    """Findings by section; sections about which there is nothing to tell are left out."""
    report: dict[str, list[Finding]] = {}
    for check, findings in examined:
        report.setdefault(check.section, []).extend(findings)
    return {section: findings for section, findings in report.items() if findings}


def as_dict(report: Mapping[str, Sequence[Finding]]) -> dict[str, list[dict[str, str]]]:
    """The same in plain types."""
    return {section: [dataclasses.asdict(each) for each in findings] for section, findings in report.items()}
