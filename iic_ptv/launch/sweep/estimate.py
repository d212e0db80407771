"""How long the members of a sweep will take, before they are begun: from what they compute and a speed.

The unit is the pass of a clip through a network, of which a step backward counts as two. Time that is spent on anything
else, such as decoding that the network waits for, is in the speed, or left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from fvcore.common.config import CfgNode

from iic_ptv.launch.sweep.measures import SECONDS_PER_HOUR
from iic_ptv.launch.sweep.member import Member, Step
from iic_ptv.registry import LOSSES
from iic_ptv.runs.build import EVALUATION_SUBSETS, build_index
from iic_ptv.runs.intra_negatives import intra_negative_names
from iic_ptv.runs.recognition.config import LOCATION
from iic_ptv.runs.recognition.videos import LARGEST_VALIDATION
from iic_ptv.runs.run_record import read_numbers
from iic_ptv.runs.terminal import counted

FORWARD_AND_BACKWARD = 3  # passes
STEP_OF_THE_PAPER = (
    7  # passes of a clip in pre-training: two views forward and backward, and the intra-negative forward
)
ASSUMED = 100.0  # clips/s in pre-training as in the paper: an assumption about one current GPU, not measured
# Videos of the three official splits, by which the work is known where the files are not at hand.
OFFICIAL = {
    ("ucf101", "train"): (9537, 9586, 9624),
    ("ucf101", "test"): (3783, 3734, 3696),
    ("hmdb51", "train"): (3570, 3570, 3570),
    ("hmdb51", "test"): (1530, 1530, 1530),
}


@dataclass(frozen=True)
class Work:
    """What a member has to compute.

    Attributes:
        trained: clips to train on, each counted as often as it is seen.
        embedded: clips that go through a network without being trained on, each counted once for every view.
        passes: of clips through networks, in all.
    """

    trained: int = 0
    embedded: int = 0
    passes: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(self.trained + other.trained, self.embedded + other.embedded, self.passes + other.passes)


@dataclass(frozen=True)
class Speed:
    """How fast members are, in clips/s of a pre-training as in the paper.

    Attributes:
        clips_per_second: of backbones that are not among the next ones.
        of_backbones: of those that a finished member was measured with.
        source: where that is from.
    """

    clips_per_second: float
    of_backbones: Mapping[str, float]
    source: str

    def hours(self, member: Member, work: Work) -> float:
        """How long a member takes."""
        rate = self.of_backbones.get(member.steps[0].cfg.MODEL.BACKBONE, self.clips_per_second)
        return work.passes / (STEP_OF_THE_PAPER * rate) / SECONDS_PER_HOUR

    def __str__(self) -> str:
        return f"{self.clips_per_second:.3g} clips/s in pre-training, {self.source}"


def works_of(members: Sequence[Member]) -> list[Work | None]:
    """What is left to compute of each member; None where nothing tells of how many videos.

    Raises:
        InputError: its videos are here, but cannot be found as they are named.
    """
    videos = _Videos()
    works = []
    for member in members:
        of_steps = [_work_of_step(step, videos) for step in member.steps if not step.is_done]
        works.append(None if None in of_steps else sum(filter(None, of_steps), Work()))
    return works


def speed_of(members: Sequence[Member], clips_per_second: float | None) -> Speed:
    """The speed that was given, else that of the trainings of the sweep that have ended, else an assumption.

    Args:
        members: all of them.
        clips_per_second: of a pre-training as in the paper, if it was given.
    """
    if clips_per_second is not None:
        return Speed(clips_per_second, {}, "as given")
    found: dict[str, list[float]] = {}
    for member in members:
        step = member.steps[0]
        if step.command == "pretrain" and (rate := read_numbers(step.folder).get("clips_per_second")):
            found.setdefault(step.cfg.MODEL.BACKBONE, []).append(rate * passes_of_clip(step.cfg) / STEP_OF_THE_PAPER)
    if not found:
        return Speed(ASSUMED, {}, "which is assumed; give yours with --clips-per-second N")
    of_backbones = {backbone: mean(rates) for backbone, rates in found.items()}
    return Speed(mean(of_backbones.values()), of_backbones, "as measured here")


class _Videos:
    """How many videos there are: those that are here, each collection looked at once, or those of an official split."""

    def __init__(self) -> None:
        self._found: dict[Any, int] = {}

    def count(self, cfg: CfgNode, named: Sequence[str], subset: str) -> int | None:
        if not Path(cfg.DATA.ROOT).exists():
            sizes = () if named or cfg.DATA.LISTS else OFFICIAL.get((cfg.DATA.KIND, subset), ())
            return dict(enumerate(sizes, start=1)).get(cfg.DATA.SPLIT)
        key = (*(str(cfg.DATA[option]) for option in LOCATION), *named, subset)
        if key not in self._found:
            self._found[key] = len(build_index(cfg, list(named) or None, subset))
        return self._found[key]


def _work_of_step(step: Step, videos: _Videos) -> Work | None:
    cfg = step.cfg
    is_training = step.command in ("pretrain", "finetune")
    train = videos.count(cfg, [] if is_training else cfg.EVAL.GALLERY, cfg.DATA.SUBSET)
    if train is not None and step.command == "pretrain":
        clips = train * cfg.OPTIM.EPOCHS
        return Work(trained=clips, passes=clips * passes_of_clip(cfg))
    test = videos.count(cfg, cfg.EVAL.QUERY, EVALUATION_SUBSETS.get(cfg.DATA.KIND, cfg.DATA.SUBSET))
    if train is None or test is None:
        return None
    if step.command == "finetune":
        validation = min(cfg.RECOGNITION.VALIDATION_VIDEOS, train // LARGEST_VALIDATION)
        clips = (train - validation) * cfg.OPTIM.EPOCHS
        embedded = validation * cfg.RECOGNITION.VALIDATION_CLIPS * cfg.OPTIM.EPOCHS + test * cfg.EVAL.NUM_CLIPS
        return Work(clips, embedded, FORWARD_AND_BACKWARD * clips + embedded)
    networks = 2 if cfg.EVAL.UNTRAINED and step.start is not None else 1
    embedded = (train + test) * cfg.EVAL.NUM_CLIPS * len({*(cfg.EVAL.VIEWS or cfg.VIEWS)}) * networks
    return Work(embedded=embedded, passes=embedded)


def in_hours(hours: float) -> str:
    """Hours as one says them: ``6.4 hours``, ``12 minutes``."""
    return f"{hours:,.1f} hours" if hours >= 1 else counted(max(1, round(60 * hours)), "minute")


def passes_of_clip(cfg: CfgNode) -> int:
    """Passes of a clip in a pre-training: all views forward and backward, keys and intra-negatives only forward.

    Unless the loss asks for a gradient through intra-negatives.
    """
    loss, views = LOSSES.get(cfg.LOSS.NAME), len(cfg.VIEWS)
    with_gradient = cfg.LOSS.INTRA_GRADIENT or getattr(loss, "intra_gradient", False)
    keys = views if getattr(loss, "takes_keys", False) else 0
    negatives = len(intra_negative_names(cfg.INTRA_NEGATIVE)) * (FORWARD_AND_BACKWARD if with_gradient else 1)
    return FORWARD_AND_BACKWARD * views + keys + negatives
