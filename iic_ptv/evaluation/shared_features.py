"""Features of the videos of a collection by their rows in it, which several processes can extract together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from iic_ptv.distributed import rank
from iic_ptv.errors import InputError
from iic_ptv.evaluation.features import Transform, extract_share
from iic_ptv.evaluation.forward_pass import FULL_PRECISION
from iic_ptv.shares import collected, failing_together


@dataclass(frozen=True, eq=False)
class RowFeatures:
    """What is known of N videos of a collection.

    Attributes:
        rows: N, their ``video_index``.
        labels: ``(N,)`` long, the classes; -1 for none.
        views: by view, features ``(N, D)`` float32, on the CPU.
    """

    rows: list[int]
    labels: Tensor
    views: dict[str, Tensor]

    @property
    def joint(self) -> Tensor:
        """Features of all views jointly, ``(N, D1 + D2 + ...)``."""
        return torch.cat(list(self.views.values()), dim=1)

    def checked(self) -> RowFeatures:
        """The same.

        Raises:
            InputError: there are no videos.
        """
        if not self.rows:
            raise InputError("There are no videos to extract features from: none could be read, or there are none.")
        return self


def extract_rows(
    models: nn.Module | Mapping[str, nn.Module],
    batches: Iterable[Mapping[str, Any]],
    views: Mapping[str, nn.Module],
    device: torch.device | str | None = None,
    progress: bool | None = False,
    transform: Transform | None = None,
    precision: str = FULL_PRECISION,
) -> RowFeatures:
    """As :func:`~iic_ptv.evaluation.features.extract_share`, of batches that tell the ``video_index`` of their videos.

    Of several processes, only the first shows a progress bar.
    """
    rows: list[int] = []

    def noting_rows(batch: dict[str, Any]) -> Mapping[str, Any]:
        rows.extend(torch.as_tensor(batch["video_index"]).tolist())
        return transform(batch) if transform else batch

    found = extract_share(models, batches, views, device, False if rank() else progress, noting_rows, precision)
    labels = next(iter(found.values())).labels
    return RowFeatures(rows, labels, {name: videos.features for name, videos in found.items()})


def extracted_together(extract: Callable[[], RowFeatures]) -> RowFeatures | None:
    """Let every process that works on a collection extract the features of its share, and the first one have them all.

    Args:
        extract: extracts those of this process; maybe none.

    Returns:
        In the first process, the features that one process would have extracted, to the bit, in the order of the rows,
        each once; None in the others.

    Raises:
        InputError: there are no videos, or what ``extract`` raises in any of the processes.
    """
    with failing_together():
        own = extract()
    found = collected(own.rows, [own.labels, *own.views.values()])
    with failing_together():
        if found is None:
            return None
        rows, (labels, *features) = found
        return RowFeatures(rows, labels, dict(zip(own.views, features, strict=True))).checked()
