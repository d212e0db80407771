"""The notebook as a page: its text, its code, and the small outputs that it was committed with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def notebook_as_markdown(path: Path) -> str:
    """Cell after cell; pictures stay within the page."""
    return "\n\n".join(text for cell in json.loads(path.read_text())["cells"] for text in _cell(cell)) + "\n"


def _cell(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data:
            yield f"![What the cell above draws](data:image/png;base64,{''.join(data['image/png']).strip()})"
        elif text := "".join(output.get("text", data.get("text/plain", ""))).strip():
            yield f'```text title="output"\n{text}\n```'
