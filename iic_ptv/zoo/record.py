"""The record of a checkpoint: everything one should know before trusting it, typed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from iic_ptv.zoo.description import NetworkDescription

NAME = re.compile(r"[a-z0-9_]+\.[a-z0-9_-]+")  # architecture.tag
MEASURED, REPORTED = "measured", "reported"


@dataclass(frozen=True)
class Pretraining:
    """How the weights came about.

    Attributes:
        method: ``IIC``, ``CMC``, ...
        intra_negative: as the option INTRA_NEGATIVE has it: names in the registry INTRA_NEGATIVES, or ``none``.
        data: what it was trained on.
        data_licence: licence of these data.
        videos: how many.
        epochs: passes over them.
        seed: of all that was drawn; None if it is not known.
        commit: of the code; empty if it was not this project's.
        hardware: what it ran on.
        hours: how long.
    """

    method: str
    intra_negative: str
    data: str
    data_licence: str
    videos: int
    epochs: int
    seed: int | None = None
    commit: str = ""
    hardware: str = ""
    hours: float | None = None


@dataclass(frozen=True)
class PublishedFile:
    """A file of weights.

    Attributes:
        file: its name, which ends with the first digits of its hash.
        bytes: its size.
        sha256: its hash.
        dtype: of the convolutions, ``float16`` or ``float32``.
        url: where it can be had; empty if it comes with the package, or can be made by `iic convert` of one that does.
    """

    file: str
    bytes: int
    sha256: str
    dtype: str
    url: str = ""


@dataclass(frozen=True)
class Metric:
    """A figure.

    Attributes:
        name: what was measured, such as ``retrieval top-1``.
        value: in percent.
        data: the data that it was measured on.
        protocol: how: the view or views, and after a semicolon all else.
        source: ``measured`` by this project or ``reported`` by others.
        untrained: the same of the network before training, in percent, if it was measured.
        date: when it was measured, or where it is reported.
    """

    name: str
    value: float
    data: str
    protocol: str
    source: str
    untrained: float | None = None
    date: str = ""

    @property
    def view(self) -> str:
        """The view or views that it was measured with."""
        return self.protocol.partition(";")[0]

    @property
    def how(self) -> str:
        """The rest of the protocol."""
        return self.protocol.partition(";")[2].strip()


@dataclass(frozen=True)
class PinnedClip:
    """A clip that can be rendered anywhere, and the features that the network has of it.

    Attributes:
        motion: name in :data:`~iic_ptv.data.procedural.MOTIONS`.
        seed: of the renderer.
        view: the view of the clip that the network is given.
        features: the first of its pooled features, in float32.
        norm: the Euclidean norm of all of them.
        tolerance: how far features may be off, as a share of the norm.
        rounding: how far rounding to float16 has moved them, likewise.
    """

    motion: str
    seed: int
    view: str
    features: tuple[float, ...]
    norm: float
    tolerance: float = 1e-3
    rounding: float = 0.0


@dataclass(frozen=True)
class Record:
    """A checkpoint of the zoo.

    Attributes:
        name: ``architecture.tag``.
        title: one line for tables.
        network: how it is built and what it sees.
        pretraining: how it came about.
        parameters: of the backbone.
        gflops: multiply-adds of one clip of one view, counted by fvcore, in billions.
        licence: of the weights.
        files: the weights in our formats; none of checkpoints that others publish.
        metrics: what it is worth.
        pinned_clip: a clip and its features; None where there is no file.
        published: address at which others publish it; empty for ours.
        how_to_convert: the command that makes a file of ours of it; empty for ours.
        config: the configuration of the run, a file beside the record; empty if there is none.
        log: its log, likewise.
        default: whether ``pretrained=True`` means this one of its architecture.
    """

    name: str
    title: str
    network: NetworkDescription
    pretraining: Pretraining
    parameters: int
    gflops: float
    licence: str
    files: tuple[PublishedFile, ...] = ()
    metrics: tuple[Metric, ...] = ()
    pinned_clip: PinnedClip | None = None
    published: str = ""
    how_to_convert: str = ""
    config: str = ""
    log: str = ""
    default: bool = False
