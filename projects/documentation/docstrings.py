"""What our docstrings say in Sphinx's manner, in Markdown: references, formulas, and the heading of examples."""

from __future__ import annotations

import html
import re
from typing import Any

import griffe

from projects.documentation.formulas import displayed_formula, formula

ROLE = re.compile(r":(?:class|func|meth|data|attr|mod):`(~?)([\w.]+)`")


class SphinxInMarkdown(griffe.Extension):
    """Rewrites every docstring when it is read."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """griffe's hook, called for every module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = in_markdown(obj.docstring.value, obj)


def in_markdown(text: str, owner: griffe.Object) -> str:
    """Rewrite a docstring.

    Args:
        text: of the docstring.
        owner: what it describes; a name without dots is looked for in its class and its module.
    """
    text = re.sub(r":math:`(.+?)`", lambda found: formula(found[1]), text)
    text = re.sub(
        r"^\.\. math:: (.+(?:\n[ \t]+\S.*)*)", lambda found: displayed_formula(found[1]), text, flags=re.MULTILINE
    )
    text = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
    return ROLE.sub(lambda found: _reference(found[2], bool(found[1]), owner), text)


def _reference(target: str, short: bool, owner: griffe.Object) -> str:
    """A link to where the target is described; where it is on no page, its name alone."""
    path = target if target.startswith("iic_ptv.") else f"{owner.module.path}.{target}"
    shown = target.rsplit(".", 1)[-1] if short else target
    return f'<autoref identifier="{path}" optional><code>{html.escape(shown)}</code></autoref>'
