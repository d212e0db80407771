"""What `iic doctor` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from iic_ptv.runs.doctor.checks import REQUIRED
from iic_ptv.runs.doctor.finding import Finding, State
from iic_ptv.runs.terminal import console, counted, say

STYLES = {State.FINE: "green", State.ABSENT: "dim", State.KNOWN: "cyan", State.NOTE: "yellow", State.BROKEN: "red"}


def show(report: Mapping[str, Sequence[Finding]]) -> None:
    """Print all findings under their headings, and in the last line what to do first."""
    for section, findings in report.items():
        say(f"\n{section}", style="bold")
        console.print(findings_table(_joined(findings) if section == REQUIRED else findings))
    say("")
    say(verdict(report), style="bold")


def findings_table(findings: Sequence[Finding]) -> Table:
    """A line for each finding, and beneath it what to do about it."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=max(len(state.value) for state in State))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        mend = f"\n[bold]-> {escape(each.mend)}[/]" if each.mend else ""
        state = f"[{STYLES[each.state]}]{each.state.value}[/]"
        table.add_row(state, escape(each.about), f"{escape(each.told)}{mend}")
    return table


def verdict(report: Mapping[str, Sequence[Finding]]) -> str:
    """One line: all is well, or what to do first."""
    findings = [finding for findings in report.values() for finding in findings]
    broken = [each for each in findings if each.state == State.BROKEN]
    notes = [each for each in findings if each.state == State.NOTE]
    for what, found in (("The first thing to mend", broken), ("What is required works. Worth mending", notes)):
        if found:
            more = f" (and {counted(len(found) - 1, 'more thing')} above)" if len(found) > 1 else ""
            return f"{what}: {found[0].about}: {found[0].mend or found[0].told}{more}"
    return "All is well."


def _joined(findings: Sequence[Finding]) -> list[Finding]:
    """Packages that are as they should be in one line, as they are many."""
    fine = [f"{each.about} {each.told}" for each in findings if each.state == State.FINE]
    rest = [each for each in findings if each.state != State.FINE]
    return [*([Finding(counted(len(fine), "package"), State.FINE, ", ".join(fine))] if fine else []), *rest]
