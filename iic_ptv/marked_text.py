"""Documents in which a script writes what stands between two comments."""

from __future__ import annotations

END = "<!-- end -->"


def with_marked_text(document: str, mark: str, text: str) -> str:
    """A document with the text between ``<!-- mark -->`` and the next ``<!-- end -->``.

    It stays as it is if it has no such place.

    Example:
        >>> with_marked_text("a <!-- x -->\\nold<!-- end --> b", "x", "new")
        'a <!-- x -->\\n\\nnew\\n\\n<!-- end --> b'
    """
    before, begin, rest = document.partition(f"<!-- {mark} -->\n")
    return f"{before}{begin}\n{text}\n\n{END}{rest.partition(END)[2]}" if begin else document
