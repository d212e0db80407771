"""Videos as folders of pictures, one per frame: ``frame000001.jpg``, ``frame000002.jpg``, ...

The numbers at the end of the names order the frames and say nothing else: they may begin anywhere and leave gaps. What
is not such a picture is ignored: sub-folders, hidden files, ``Thumbs.db``, pictures without a number.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise

from iic_ptv.data.decoding.errors import VideoError, as_video_error

PICTURE = re.compile(r"(?!\.).*?(\d+)\.(?:jpe?g|png|bmp|webp)", re.IGNORECASE | re.ASCII | re.DOTALL)


def frame_number(name: str) -> int | None:
    """The number that the name of a file gives to a frame, or None if it is not the name of a frame's picture.

    Example:
        >>> frame_number("frame000012.jpg"), frame_number("Thumbs.db"), frame_number("._frame000012.jpg")
        (12, None, None)
    """
    match = PICTURE.fullmatch(name)
    return int(match[1]) if match else None


def frame_files(folder: str) -> list[str]:
    """Names of the pictures in a folder, in the order of their numbers; empty if there are none.

    Raises:
        VideoError: the folder cannot be read, or two pictures have the same number.
    """
    with as_video_error(folder, OSError), os.scandir(folder) as entries:
        numbered = sorted(
            (number, entry.name)
            for entry in entries
            if (number := frame_number(entry.name)) is not None and not entry.is_dir()
        )
    for (number, name), (next_number, next_name) in pairwise(numbered):
        if number == next_number:
            raise VideoError(f"'{name}' and '{next_name}' are both its frame {number}", folder)
    return [name for _, name in numbered]
