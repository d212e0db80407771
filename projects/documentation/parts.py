"""The names of all registered parts, from the registries."""

from __future__ import annotations

import textwrap

from iic_ptv import registry

REGISTRIES = {
    "Views": (registry.VIEWS, "VIEWS"),
    "Intra-negatives": (registry.INTRA_NEGATIVES, "INTRA_NEGATIVE"),
    "Losses": (registry.LOSSES, "LOSS.NAME"),
    "Backbones": (registry.BACKBONES, "MODEL.BACKBONE"),
    "Collections of videos": (registry.DATASETS, "DATA.KIND"),
    "Tasks": (registry.TASKS, ""),
}


def parts_reference() -> str:
    """For every registry its names, and what each entry must be."""
    sections = []
    for title, (parts, option) in REGISTRIES.items():
        where = f"Named by `{option}`. " if option else ""
        names = ", ".join(f"`{name}`" for name in parts.names())
        sections.append(
            f"## {title}\n\n{where}In Python: `iic_ptv.registry.{parts._name}`.\n\n{names}\n\n"
            f"What an entry must be:\n\n```text\n{_wrapped(parts.signature)}\n```\n"
        )
    return "\n".join(sections)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 96)
