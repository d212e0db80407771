"""Whether the model zoo came with the package, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iic_ptv.runs.doctor.finding import Finding, State

if TYPE_CHECKING:
    from iic_ptv.zoo.record import Record

REINSTALL = "install iic-ptv again; in a checkout, `git checkout model_zoo`"


def look_at_zoo() -> list[Finding]:
    """Whether there are records, and whether files of weights are here with the right size and hash."""
    from iic_ptv.zoo.catalogue import catalogue_folder, records

    known = records().values()
    if not known:
        return [Finding("records", State.BROKEN, f"none in {catalogue_folder()}", REINSTALL)]
    return [_weights(record) for record in known if record.files]


def _weights(record: Record) -> Finding:
    from iic_ptv.zoo.verify import CACHED, DAMAGED, SHIPPED, verify

    verdicts = verify([record])
    sound = [each for each in verdicts if each.state in (SHIPPED, CACHED)]
    damaged = [each for each in verdicts if each.state == DAMAGED]
    if damaged:
        told = f"{damaged[0].path}: {damaged[0].message.partition(': ')[0]}"
        mend = damaged[0].message.partition(": ")[2]
        return Finding(record.name, State.NOTE if sound else State.BROKEN, told, mend)
    if sound:
        return Finding(record.name, State.FINE, f"{sound[0].file}: its SHA-256 is right")
    if any(file.url for file in record.files):
        return Finding(record.name, State.FINE, "is downloaded when it is needed")
    return Finding(record.name, State.BROKEN, f"{record.files[0].file} should have come with the package", REINSTALL)
