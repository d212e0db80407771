"""What every format of exported files has in common."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from iic_ptv.export.extractor import Extractor
from iic_ptv.files.structured import to_json
from iic_ptv.zoo.description import NetworkDescription

DESCRIPTION = "iic_ptv"  # the entry of a file's metadata
INPUT = "clips"
FILE = "FILE"  # stands for the name of a file


@dataclass(frozen=True)
class ExportDescription:
    """What a file says of itself.

    Attributes:
        version: of the package that wrote it.
        weights: the fingerprint of the checkpoint's networks.
        network: how they are built, and on which clips they were trained.
        views: what is made of a clip and embedded.
        output: ``pooled`` or ``map`` for features, or ``logits``.
        input_shape: ``(3, T, H, W)`` of a clip.
    """

    version: str
    weights: str
    network: NetworkDescription
    views: tuple[str, ...]
    output: str
    input_shape: tuple[int, ...]

    @property
    def text(self) -> str:
        """As JSON."""
        return json.dumps(to_json(self))


@dataclass(frozen=True)
class Format:
    """A format of exported files.

    Attributes:
        title: what it is called.
        suffix: how the names of its files end.
        write: ``write(extractor, clips, description, path)``; the clips ``(2, 3, T, H, W)`` show what it gets. The
            number of clips in a batch is left open.
        load: makes a function from clips to features of a file, which needs nothing else.
        usage: two lines of Python, with :data:`FILE` in the place of the name of a file.
    """

    title: str
    suffix: str
    write: Callable[[Extractor, Tensor, ExportDescription, Path], None]
    load: Callable[[Path], Callable[[Tensor], Tensor]]
    usage: tuple[str, str]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep off the terminal what exporters have to say to the developers of networks; their errors come through."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
