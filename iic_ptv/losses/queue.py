"""The inter-intra contrastive loss with queues of keys, as in MoCo."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iic_ptv.distributed import gather
from iic_ptv.errors import InputError
from iic_ptv.losses.contrast import (
    ContrastOutput,
    check_counts,
    check_features,
    contrast,
    list_of_kinds,
    mean_metrics,
    normalized,
)
from iic_ptv.losses.initial_rows import draw_seed, fill_with_initial_rows
from iic_ptv.losses.known_gradient import with_gradient


class QueueLoss(nn.Module):
    r"""Contrast each view with keys of the others, queued keys and intra-negatives (MoCo, arXiv:1911.05722).

    Keys k are features by an encoder that follows the trained one slowly, see
    :class:`~iic_ptv.tasks.momentum.MomentumIICTask`; queries q are by the trained one. For every ordered pair of views
    (a, b) of clip i, all normalised, with the queue Q_b of that view's keys and, for every kind n of intra-negatives,
    the clip's key g_n and the queue G_n:

    .. math:: \ell_{ab} = -\log \frac{\exp(q_a^i \cdot k_b^i / \tau)}{\exp(q_a^i \cdot k_b^i / \tau) +
        \sum_{k \in Q_b} \exp(q_a^i \cdot k / \tau) +
        \sum_n [\exp(q_a^i \cdot g_n^i / \tau) + \sum_{g \in G_n} \exp(q_a^i \cdot g / \tau)]}

    The loss is the mean over clips and the sum over pairs, as with memory banks. In training mode the keys of the
    batch, under ``torch.distributed`` those of all processes, then take the place of the oldest ones.

    Args:
        num_videos: taken as by every loss of the registry; a queue needs no rows of videos.
        feature_dim: D.
        num_views: V.
        num_negatives: K, the length of the queues; any, though of a joint batch that is longer the last K are kept.
        temperature: tau.
        intra_negatives: how many kinds of intra-negatives there are; ``True`` is one.

    The buffer ``queues`` ``(V + n, K, D)`` starts with random unit vectors; it and ``oldest``, where the next keys go,
    are in the state dict.

    Example:
        >>> loss = QueueLoss(num_videos=1000, feature_dim=128)
        >>> f1, f2, k1, k2, kn = torch.randn(5, 16, 128, requires_grad=True)
        >>> output = loss([f1, f2], kn, index=torch.arange(16), keys=[k1, k2])
        >>> output.loss.backward()  # of f1 and f2; keys have no gradient
    """

    takes_keys = True
    queues: Tensor
    oldest: Tensor

    def __init__(
        self,
        num_videos: int,
        feature_dim: int,
        num_views: int = 2,
        num_negatives: int = 1024,
        temperature: float = 0.07,
        intra_negatives: int = 1,
    ) -> None:
        super().__init__()
        check_counts(num_views, intra_negatives)
        if num_negatives < 1:
            raise InputError(f"num_negatives: the queues need room for a key, got {num_negatives}.")
        self.num_views = num_views
        self.temperature = temperature
        self.intra_negatives = int(intra_negatives)
        self.pairs = list(itertools.permutations(range(num_views), 2))
        self.register_buffer("queues", torch.empty(num_views + self.intra_negatives, num_negatives, feature_dim))
        fill_with_initial_rows(self.queues, draw_seed())
        self.queues.copy_(F.normalize(self.queues, dim=-1))
        self.register_buffer("oldest", torch.zeros((), dtype=torch.long))

    def forward(
        self,
        views: Sequence[Tensor],
        intra_negative: Tensor | Sequence[Tensor] | None,
        index: Tensor,
        keys: Sequence[Tensor] | None = None,
    ) -> ContrastOutput:
        """Contrast a batch, and in training mode put its keys into the queues.

        Args:
            views: V queries ``(B, D)``; any floating type.
            intra_negative: keys ``(B, D)`` of the intra-negatives, or of each kind of them; ``None`` where the loss has
                none.
            index: the videos' rows ``(B,)``, which are not looked at.
            keys: V keys ``(B, D)``; by default the queries, as of an encoder that follows at once.

        Returns:
            The loss, a float32 scalar; and the metrics of :func:`~iic_ptv.losses.contrast.contrast_metrics`.

        Raises:
            InputError: number or shape of features that the loss was not built for.
        """
        keys, negatives = views if keys is None else keys, list_of_kinds(intra_negative)
        shape = len(index), self.queues.shape[2]
        check_features("views", views, self.num_views, "views", shape)
        check_features("keys", keys, self.num_views, "views", shape)
        check_features("intra_negative", negatives, self.intra_negatives, "kinds of intra-negatives", shape)
        with torch.autocast(index.device.type, enabled=False):
            queries = torch.stack([normalized(view) for view in views])
            new = torch.stack([normalized(key.detach()) for key in (*keys, *negatives)])
            # The gradient is taken here, before the queues that it depends on change.
            loss, metrics = with_gradient(lambda given: self._contrast_all(given, new), queries)
        if self.training:
            self._remember(new)
        return ContrastOutput(loss, metrics)

    def _contrast_all(self, queries: Tensor, keys: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of queries ``(V, B, D)`` and the batch's keys ``(V + n, B, D)``; and metrics."""
        own = torch.einsum("abd,cbd->abc", queries, keys)
        queued = torch.einsum("abd,ckd->abck", queries, self.queues.to(queries.dtype))
        terms = [self._contrast(own[a], queued[a], b) for a, b in self.pairs]
        losses, metrics = zip(*terms, strict=True)
        return torch.stack(losses).sum(), mean_metrics(metrics)

    def _contrast(self, own: Tensor, queued: Tensor, target: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and metrics of a view from its products ``(B, V + n)`` with its own clip and ``(B, V + n, K)``."""
        views = self.num_views
        positive_and_intra = torch.cat([own[:, target, None], own[:, views:]], dim=1)
        return contrast(positive_and_intra, queued[:, target], queued[:, views:].flatten(1), self.temperature)

    @torch.no_grad()
    def _remember(self, keys: Tensor) -> None:
        """Let the keys ``(V + n, B, D)`` of all processes take the place of the oldest ones."""
        keys = gather(keys, dim=1)
        length = self.queues.shape[1]
        places = (self.oldest + torch.arange(keys.shape[1], device=keys.device)) % length
        self.queues[:, places[-length:]] = keys[:, -length:].to(self.queues.dtype)
        self.oldest.copy_((self.oldest + keys.shape[1]) % length)

    def extra_repr(self) -> str:
        """Show the options."""
        length = self.queues.shape[1]
        return f"num_negatives={length}, temperature={self.temperature}, intra_negatives={self.intra_negatives}"
