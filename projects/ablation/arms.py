"""The arms of the ablation: what each changes of the base, IIC with repeated frames, RGB and residuals."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arm:
    """A network of the comparison.

    Attributes:
        label: what it is called in the table.
        group: under which heading it stands there.
        options: what its pre-training changes; None: it is not trained.
        base: the arm that it is compared with, of which it changes one thing; None: it is what training begins with.
        finetuned: whether it is fine-tuned, too.
    """

    label: str
    group: str
    options: tuple[str, ...] | None = ()
    base: str | None = "repeat"
    finetuned: bool = True


def _intra_negative(label: str, *kinds: str) -> Arm:
    return Arm(label, "Intra-negative", ("INTRA_NEGATIVE", ",".join(kinds)), base="cmc")


def _flow(view: str) -> tuple[str, ...]:
    return "VIEWS", f"[rgb, {view}]", "DATA.FLOW", "dis"


ARMS: dict[str, Arm] = {
    "untrained": Arm("Untrained", "", None, base=None),
    "cmc": Arm("CMC: none", "Intra-negative", ("INTRA_NEGATIVE", "none"), base="untrained"),
    "repeat": _intra_negative("repeat", "repeat"),
    "shuffle": _intra_negative("shuffle", "shuffle"),
    "shuffle_frames": _intra_negative("shuffle all frames", "shuffle_frames"),
    "reverse": _intra_negative("reverse", "reverse"),
    "rotate": _intra_negative("rotate", "rotate"),
    "repeat_and_shuffle": _intra_negative("repeat and shuffle", "repeat", "shuffle"),
    "rgb": Arm("RGB again", "Second view, with repeat", ("VIEWS", "[rgb, rgb]")),
    "flow_u": Arm("flow u", "Second view, with repeat", _flow("flow_u")),
    "flow_v": Arm("flow v", "Second view, with repeat", _flow("flow_v")),
    "not_normalised": Arm("features not normalised", "Loss, with repeat", ("LOSS.NORMALIZE", "False")),
    "with_gradient": Arm("gradient through the intra-negative", "Loss, with repeat", ("LOSS.INTRA_GRADIENT", "True")),
}


def _without_finetuning(label: str, *options: str) -> Arm:
    return Arm(label, "Sensitivity, with repeat", options, finetuned=False)


# What the result depends on beside the method; measured on rendered motions alone, and of the features as they are.
SENSITIVITY: dict[str, Arm] = {
    "temperature_low": _without_finetuning("temperature 0.03, not 0.07", "LOSS.TEMPERATURE", "0.03"),
    "temperature_high": _without_finetuning("temperature 0.2", "LOSS.TEMPERATURE", "0.2"),
    "negatives_few": _without_finetuning("K 32, not 256", "LOSS.NUM_NEGATIVES", "32"),
    "negatives_many": _without_finetuning("K 1024", "LOSS.NUM_NEGATIVES", "1024"),
    "momentum_none": _without_finetuning("bank momentum 0, not 0.5", "LOSS.MOMENTUM", "0"),
    "momentum_high": _without_finetuning("bank momentum 0.9", "LOSS.MOMENTUM", "0.9"),
    "frames_4": _without_finetuning("clips of 4 frames, not 8", "DATA.CLIP_LENGTH", "4"),
    "frames_16": _without_finetuning("clips of 16 frames", "DATA.CLIP_LENGTH", "16"),
    "videos_quarter": _without_finetuning(
        "a quarter of the videos, four times as often",
        *("DATA.LISTS", "[../splits/trainlist01_quarter.txt]", "OPTIM.EPOCHS", "40"),
    ),
}
