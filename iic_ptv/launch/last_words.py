"""The last line of a log, as a person would want to read it."""

from __future__ import annotations

import os
import re
from pathlib import Path

TAIL = 16384  # bytes of a log that are looked at; bars redraw themselves without ever ending their line
ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")  # colours, cursor, titles
BARS = re.compile(r"\|[ #▏▎▍▌▋▊▉█]*\||[━╸╺]+")  # of tqdm, and of rich
NOT_OF_THE_RUN = "submitit "  # what submitit says around it


def last_line(log: Path) -> str:
    """The last line that the run itself has printed, without bars and control characters; "" if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(-min(TAIL, os.fstat(file.fileno()).st_size), os.SEEK_END)
            text = file.read().decode(errors="ignore")
    except OSError:
        return ""
    lines = (readable(line) for line in reversed(re.split(r"[\r\n]", ESCAPES.sub("", text))))
    return next((line for line in lines if line and not line.startswith(NOT_OF_THE_RUN)), "")


def readable(line: str) -> str:
    """A line without bars and control characters.

    Example:
        >>> readable("epoch 3:  45%|████▌     | 9/20 [00:01<00:02]")
        'epoch 3: 45% 9/20 [00:01<00:02]'
    """
    text = BARS.sub(" ", ESCAPES.sub("", line))
    return " ".join("".join(letter for letter in text if letter.isprintable() or letter.isspace()).split())
