"""The labelled videos of a recognition run: to train on, to validate on and to test on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from fvcore.common.config import CfgNode

from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.hold_out import hold_out
from iic_ptv.data.index import NO_LABEL, VideoIndex
from iic_ptv.errors import InputError
from iic_ptv.runs.build import EVALUATION_SUBSETS, build_index, known_bad_videos, without
from iic_ptv.runs.folder import LEFT_OUT
from iic_ptv.runs.training import without_known_bad

LARGEST_VALIDATION = 5  # at most every fifth training video is held out
NAMED = 5  # classes or videos that a message names


@dataclass(frozen=True, eq=False)
class RecognitionVideos:
    """The videos of a recognition run, all with labels that number ``class_names``.

    Attributes:
        train: to train on.
        validation: held out of them to choose the epoch by; None: none is.
        test: to test on.
        class_names: the classes that have training videos.
        unused_classes: classes that a list of classes names, but no training video is of.
    """

    train: VideoIndex
    validation: VideoIndex | None
    test: VideoIndex
    class_names: tuple[str, ...]
    unused_classes: tuple[str, ...]

    @property
    def num_videos(self) -> int:
        """All of them."""
        return len(self.train) + len(self.validation or ()) + len(self.test)


def recognition_videos(cfg: CfgNode, folder: Path, resumed: bool = False) -> RecognitionVideos:
    """The videos that a configuration names: ``DATA`` to train and validate on, ``EVAL.QUERY`` to test on.

    Args:
        cfg: the configuration.
        folder: the run folder, where known bad videos that are left out are recorded.
        resumed: leave out what the run left out when it began.

    Raises:
        InputError: videos cannot be found, have no labels, or are of classes that do not fit together.
    """
    labelled = without_known_bad(cfg, folder, build_index(cfg), resumed)
    _check_labelled(labelled, "DATA", "training")
    names = _classes(labelled)
    if len(names) < 2:
        raise InputError(
            f"DATA: all {len(labelled)} training videos are of one class, {names[0]}; there is nothing to tell apart. "
            "Name a folder of class folders, or lists of several classes."
        )
    unused = tuple(name for name in labelled.class_names if name not in names)
    labelled = labelled.relabelled(names)
    test = with_classes(test_videos(cfg, folder), names)
    _check_apart(labelled, test)
    train, validation = _split(cfg, labelled)
    return RecognitionVideos(train, validation, test, names, unused)


def test_videos(cfg: CfgNode, folder: Path) -> VideoIndex:
    """The labelled videos to test on, less those that are known to be bad.

    Raises:
        InputError: none are named, they cannot be found, or have no labels.
    """
    subset = EVALUATION_SUBSETS.get(cfg.DATA.KIND)
    if not cfg.EVAL.QUERY and subset is None:
        raise InputError("EVAL.QUERY: name the videos to test on, a list or a folder, for example with --test.")
    test = build_index(cfg, cfg.EVAL.QUERY or None, subset)
    _check_labelled(test, "EVAL.QUERY", "test")
    known = known_bad_videos(cfg, test)
    BadVideoLog(folder / LEFT_OUT).add(known)
    return without(test, known)


def with_classes(test: VideoIndex, class_names: Sequence[str]) -> VideoIndex:
    """The videos with labels that number the classes of a classifier.

    Raises:
        InputError: a video is of another class.
    """
    if unknown := [name for name in _classes(test) if name not in class_names]:
        number = int(torch.isin(test.labels, torch.tensor([test.class_names.index(name) for name in unknown])).sum())
        raise InputError(
            f"EVAL.QUERY: {number} of the {len(test)} test videos are of classes that the network does not know, as no "
            f"training video is of them: {_named(unknown)}. It knows {_named(class_names)}."
        )
    return test.relabelled(class_names)


def _classes(index: VideoIndex) -> tuple[str, ...]:
    """The classes that have videos, in the order of their labels."""
    return tuple(index.class_names[label] for label in index.labels.unique().tolist())


def _check_labelled(index: VideoIndex, key: str, what: str) -> None:
    if without_label := int((index.labels == NO_LABEL).sum()):
        first = index[int((index.labels == NO_LABEL).nonzero()[0])]
        raise InputError(
            f"{key}: recognition is learnt from classes, and {without_label} of the {len(index)} {what} videos have "
            f"none, {first.path} for one; keep videos in one folder per class, or name a list that tells their classes."
        )


def _check_apart(train: VideoIndex, test: VideoIndex) -> None:
    trained = set(map(os.path.realpath, train.paths))  # by whatever link they are named
    common = [path for path in test.paths if os.path.realpath(path) in trained]
    if common:
        raise InputError(
            f"EVAL.QUERY: {len(common)} of the {len(test)} test videos are trained on as well, {common[0]} for one, so "
            "that the test would say nothing; name the lists of the training videos, for example with --train."
        )


def _split(cfg: CfgNode, labelled: VideoIndex) -> tuple[VideoIndex, VideoIndex | None]:
    """Hold out ``RECOGNITION.VALIDATION_VIDEOS``, but at most every fifth video."""
    wanted = min(cfg.RECOGNITION.VALIDATION_VIDEOS, len(labelled) // LARGEST_VALIDATION)
    stay, held_out = hold_out(labelled, wanted, cfg.SEED)
    if held_out:
        return _rows(labelled, stay), _rows(labelled, held_out)
    if cfg.RECOGNITION.VALIDATION_VIDEOS:
        raise InputError(
            f"RECOGNITION.VALIDATION_VIDEOS: of {len(labelled)} training videos in {len(labelled.class_names)} classes "
            "none can be held out to choose the epoch by; add videos, or set it to 0 and OPTIM.SCHEDULE to cosine, "
            "which takes the last epoch."
        )
    return labelled, None


def _rows(index: VideoIndex, rows: Sequence[int]) -> VideoIndex:
    return VideoIndex((index[row] for row in rows), index.class_names)


def _named(classes: Sequence[str]) -> str:
    return ", ".join(classes[:NAMED]) + (f" and {len(classes) - NAMED} more" if len(classes) > NAMED else "")
