"""The inter-intra contrastive loss within a batch, as in SimCLR."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from iic_ptv.distributed import gather_with_gradient, rank
from iic_ptv.losses.contrast import (
    ContrastOutput,
    check_counts,
    check_features,
    contrast,
    list_of_kinds,
    mean_metrics,
    normalized,
)


class InBatchLoss(nn.Module):
    r"""Contrast each view with the views and intra-negatives of the batch (SimCLR, arXiv:2002.05709, section 2.1).

    For every ordered pair of views (a, b) of clip i, features f normalised and g those of intra-negatives:

    .. math:: \ell_{ab} = -\log \frac{\exp(f_a^i \cdot f_b^i / \tau)}{\exp(f_a^i \cdot f_b^i / \tau) +
        \sum_{j \ne i, c} \exp(f_a^i \cdot f_c^j / \tau) + \sum_{j, n} \exp(f_a^i \cdot g_n^j / \tau)}

    Negatives are all views c of all other clips j, and the intra-negatives of all clips, the own one included. The loss
    is the mean over clips and pairs: of two views without intra-negatives, NT-Xent. There is no memory, and everything
    has a gradient, intra-negatives too. Several processes contrast their joint batch, to which each brings as many
    clips, and the mean of their losses is its loss.

    Args:
        num_videos: taken as by every loss of the registry; a batch needs no rows.
        feature_dim: D.
        num_views: V.
        temperature: tau.
        intra_negatives: how many kinds of intra-negatives there are; ``True`` is one.

    Example:
        >>> loss = InBatchLoss(num_videos=1000, feature_dim=128)
        >>> f1, f2, fn = torch.randn(3, 16, 128, requires_grad=True)
        >>> output = loss([f1, f2], fn, index=torch.arange(16))
        >>> output.loss.backward()
    """

    intra_gradient = True  # features of intra-negatives come with their graph

    def __init__(
        self,
        num_videos: int,
        feature_dim: int,
        num_views: int = 2,
        temperature: float = 0.07,
        intra_negatives: int = 1,
    ) -> None:
        super().__init__()
        check_counts(num_views, intra_negatives)
        self.feature_dim = feature_dim
        self.num_views = num_views
        self.temperature = temperature
        self.intra_negatives = int(intra_negatives)
        self.pairs = list(itertools.permutations(range(num_views), 2))

    def forward(
        self, views: Sequence[Tensor], intra_negative: Tensor | Sequence[Tensor] | None, index: Tensor
    ) -> ContrastOutput:
        """Contrast a batch.

        Args:
            views: V features ``(B, D)``; any floating type.
            intra_negative: features ``(B, D)`` of the intra-negatives, or of each kind of them; ``None`` where the
                loss has none.
            index: the videos' rows ``(B,)``; clips are told apart by their places in the batch.

        Returns:
            The loss, a float32 scalar; and the metrics of :func:`~iic_ptv.losses.contrast.contrast_metrics`.

        Raises:
            InputError: number or shape of features that the loss was not built for.
        """
        negatives = list_of_kinds(intra_negative)
        shape = len(index), self.feature_dim
        check_features("views", views, self.num_views, "views", shape)
        check_features("intra_negative", negatives, self.intra_negatives, "kinds of intra-negatives", shape)
        with torch.autocast(index.device.type, enabled=False):
            features = torch.stack([normalized(kind) for kind in (*views, *negatives)])
            candidates = gather_with_gradient(features, dim=1)
            similarities = torch.einsum("abd,cgd->abcg", features[: self.num_views], candidates)
            own, others = _own_and_others(similarities, rank() * len(index))
            losses, metrics = zip(*(self._contrast(own[a], others[a], b) for a, b in self.pairs), strict=True)
        return ContrastOutput(torch.stack(losses).mean(), mean_metrics(metrics))

    def _contrast(self, own: Tensor, others: Tensor, target: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and metrics of a view from its products ``(B, V + n)`` with its own clip and ``(B, V + n, G - 1)``."""
        views = self.num_views
        positive_and_intra = torch.cat([own[:, target, None], own[:, views:]], dim=1)
        inter, intra = others[:, :views].flatten(1), others[:, views:].flatten(1)
        return contrast(positive_and_intra, inter, intra, self.temperature)

    def extra_repr(self) -> str:
        """Show the options."""
        return f"temperature={self.temperature}, intra_negatives={self.intra_negatives}"


def _own_and_others(similarities: Tensor, first: int) -> tuple[Tensor, Tensor]:
    """Take products ``(A, B, kinds, G)`` with all clips of the joint batch apart.

    The B clips are those from ``first`` on.

    Returns:
        ``(A, B, kinds)`` with the clip itself, and ``(A, B, kinds, G - 1)`` with the others.
    """
    anchors, batch, kinds, joint = similarities.shape
    place = torch.arange(first, first + batch, device=similarities.device)[:, None]
    other = torch.arange(joint - 1, device=similarities.device)
    columns = torch.cat([place, other + (other >= place)], dim=1)  # (B, G), the own one first
    in_order = similarities.gather(3, columns[None, :, None].expand(anchors, -1, kinds, -1))
    return in_order[..., 0], in_order[..., 1:]
