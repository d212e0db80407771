"""What `iic zoo publish` is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """What is to be published, and what a run does not tell.

    Attributes:
        run: the run folder, or its checkpoint.
        tag: the name of the checkpoint after that of its architecture.
        title: one line for tables; by default made of method and data.
        licence: of the weights.
        data: what the run was trained on, in words; need not be said of collections with official splits.
        data_licence: licence of these data.
        hardware: what the run ran on, in words.
        metrics: run folders of commands that measured the checkpoint, each as ``FOLDER`` or ``FOLDER=data in words``.
        default: make it the one that ``pretrained=True`` means.
        zoo: the ``model_zoo`` to publish in; by default our own.
        keep_safetensors: write the weights as safetensors, too; else the record has their hash alone.
    """

    run: str
    tag: str
    title: str = ""
    licence: str = "CC0-1.0"
    data: str = ""
    data_licence: str = "not stated"
    hardware: str = ""
    metrics: Sequence[str] = ()
    default: bool = False
    zoo: str | None = None
    keep_safetensors: bool = False
