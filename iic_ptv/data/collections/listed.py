"""Collections that are named by a list, of whose videos some may not be there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from iic_ptv.data.collections.rows import sorted_index
from iic_ptv.data.index import VideoIndex
from iic_ptv.errors import InputError

logger = logging.getLogger(__name__)

Missing = Literal["error", "skip"]

NAMED = 3  # missing videos that a message names


def listed_index(
    root: Path,
    labels: Mapping[str, int],
    class_names: Sequence[str],
    find: Callable[[str], str | None],
    missing: Missing,
) -> VideoIndex:
    """The index of the listed videos that are there.

    Args:
        root: the collection's folder.
        labels: labels of the videos by what the list calls them.
        class_names: names of the classes in the order of their labels.
        find: gives the path of a video for what the list calls it, or None.
        missing: "error", or "skip" to go on without the videos that are not there, with a warning.

    Raises:
        InputError: videos are not there, none of them is, or ``missing`` is neither.
    """
    if missing not in get_args(Missing):
        raise InputError(f"missing: there is no '{missing}'; choose one of {', '.join(get_args(Missing))}.")
    present: dict[str, int] = {}
    absent: list[str] = []
    for listed, label in labels.items():
        path = find(listed)
        if path is None:
            absent.append(listed)
        else:
            present[path] = label
    if absent:
        report = (
            f"{len(absent)} of the {len(labels)} listed videos are not under '{root}': "
            f"{', '.join(absent[:NAMED])}{', ...' if len(absent) > NAMED else ''}"
        )
        if missing == "error" or not present:
            raise InputError(f"{report}. Check the root folder, or skip them with DATA.MISSING skip.")
        logger.warning("%s. They are skipped.", report)
    return sorted_index(root, present, class_names)
