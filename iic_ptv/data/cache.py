"""The folder for what can be computed again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """Where caches go: ``$IIC_CACHE``, else ``$XDG_CACHE_HOME/iic_ptv``, else ``~/.cache/iic_ptv``.

    It need not exist and may not be writable: whoever writes there makes it, and does without if that fails.
    """
    if own := os.environ.get("IIC_CACHE"):
        return Path(own).expanduser()
    parent = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    # A user without a home, as in some containers, has a "~" that does not expand.
    return Path(parent if os.path.isabs(parent) else tempfile.gettempdir()) / "iic_ptv"
