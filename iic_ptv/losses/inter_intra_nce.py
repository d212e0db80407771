"""The inter-intra contrastive loss with memory banks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iic_ptv.distributed import gather, rank, world_size
from iic_ptv.errors import InputError
from iic_ptv.losses.bank_logits import bank_logits
from iic_ptv.losses.contrast import (
    ContrastOutput,
    check_counts,
    check_features,
    contrast_metrics,
    list_of_kinds,
    mean_metrics,
    softmax_contrast,
)
from iic_ptv.losses.known_gradient import with_gradient
from iic_ptv.losses.memory_bank import MemoryBank
from iic_ptv.losses.sharded_bank import ShardedMemoryBank
from iic_ptv.randomness import seed_of

OBJECTIVES = ("softmax", "nce")
BANKS: dict[str, type[MemoryBank] | type[ShardedMemoryBank]] = {
    "replicated": MemoryBank,
    "sharded": ShardedMemoryBank,
}
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}  # of banks


class InterIntraNCELoss(nn.Module):
    r"""Contrast each view with remembered views and intra-negatives (IIC, arXiv:2008.02531, section 3).

    For every ordered pair of views (a, b), the feature of view a is compared with K + 1 rows of view b's bank and
    the same K + 1 rows of the bank of intra-negatives:

    .. math:: \ell_{ab} = [M_b[idx] ; M_n[idx]] \cdot f_a / \tau, \qquad idx = (y, \text{K random rows})

    Column 0 is the positive, the same video in the other view; column K + 1 is the video's own intra-negative. The
    loss is the sum over the pairs. Without intra-negatives it is the loss of CMC. In training mode ``forward`` then
    mixes the features into the banks.

    Beyond the paper, there may be several kinds of intra-negatives, each with a bank and K + 1 columns of its own; and
    those of the batch itself may be columns, too, before they become rows of a bank: with gradient.

    Args:
        num_videos: N, rows of each bank.
        feature_dim: D.
        num_views: V; two in the paper.
        num_negatives: K, random rows per sample, drawn with replacement; may exceed N.
        temperature: tau.
        momentum: share of the old row that an update of a bank keeps.
        intra_negatives: how many kinds of intra-negatives to contrast with, too; True is one, False none.
        normalize: L2-normalise the features, as the paper's formula; ``False`` is the authors' first code.
        objective: ``"softmax"``, cross-entropy over the columns, or ``"nce"``, the binary objective of
            noise-contrastive estimation with noise probability 1 / N, whose normaliser Z is set by the first batch.
        exclude_self: never draw a sample's own row among its K negatives.
        seed: of the draws of negatives, which depend on it and on the number of draws before alone.
        banks: ``"replicated"``, on every process all rows, or ``"sharded"``, on each its share of them; the loss is the
            same up to rounding.
        bank_precision: what the banks are kept in: ``"float32"``, or ``"bfloat16"`` or ``"float16"``, which take half
            the memory. Logits are of float32 in any case.
        intra_gradient: add a column for each kind, :math:`f_a \cdot f_n / \tau` with the sample's intra-negative of
            this batch, through which the gradient reaches both; all other columns are of rows, which get none.

    The banks are the buffer ``bank.features`` ``(V + n, N, D)``, the last n of intra-negatives, one in the paper.
    Banks, normalisers and the number of draws are in the state dict; sharded banks are not, see
    :class:`~iic_ptv.losses.sharded_bank.ShardedMemoryBank`.

    Example:
        >>> loss = InterIntraNCELoss(num_videos=1000, feature_dim=512)
        >>> f1, f2, fn = torch.randn(3, 16, 512, requires_grad=True)
        >>> output = loss([f1, f2], fn, index=torch.arange(16))
        >>> output.loss.backward()
    """

    log_normalizer: Tensor

    def __init__(
        self,
        num_videos: int,
        feature_dim: int,
        num_views: int = 2,
        num_negatives: int = 1024,
        temperature: float = 0.07,
        momentum: float = 0.5,
        intra_negatives: int | bool = True,
        normalize: bool = True,
        objective: Literal["softmax", "nce"] = "softmax",
        exclude_self: bool = False,
        seed: int = 0,
        banks: Literal["replicated", "sharded"] = "replicated",
        bank_precision: Literal["float32", "bfloat16", "float16"] = "float32",
        intra_gradient: bool = False,
    ) -> None:
        super().__init__()
        if banks not in BANKS:
            raise InputError(f"banks: expected one of {', '.join(BANKS)}, got '{banks}'.")
        if bank_precision not in PRECISIONS:
            raise InputError(f"bank_precision: expected one of {', '.join(PRECISIONS)}, got '{bank_precision}'.")
        if objective not in OBJECTIVES:
            raise InputError(f"objective: expected one of {', '.join(OBJECTIVES)}, got '{objective}'.")
        check_counts(num_views, intra_negatives)
        if num_negatives < (0 if intra_negatives else 1):
            raise InputError(f"num_negatives: nothing to contrast with, got {num_negatives}.")
        if intra_gradient and not intra_negatives:
            raise InputError("intra_gradient: there are no intra-negatives that it could reach; leave it out.")
        if exclude_self and num_videos < 2:
            raise InputError("exclude_self: with a single video there is nothing else to draw; leave it out.")
        self.num_views = num_views
        self.num_negatives = num_negatives
        self.temperature = temperature
        self.intra_negatives = int(intra_negatives)
        self.intra_gradient = intra_gradient
        self.normalize = normalize
        self.objective = objective
        self.exclude_self = exclude_self
        self.seed = seed
        self.num_draws = 0
        dtype = PRECISIONS[bank_precision]
        self.bank = BANKS[banks](num_views + self.intra_negatives, num_videos, feature_dim, momentum, dtype)
        self.pairs = list(itertools.permutations(range(num_views), 2))
        # log Z of the NCE objective, one per pair; what the first training batch sets it to.
        self.register_buffer("log_normalizer", torch.zeros(len(self.pairs)))
        self.normalizer_is_set = False

    def forward(
        self,
        views: Sequence[Tensor],
        intra_negative: Tensor | Sequence[Tensor] | None,
        index: Tensor,
        negative_index: Tensor | None = None,
    ) -> ContrastOutput:
        """Contrast a batch, and in training mode update the banks with it.

        Args:
            views: V features ``(B, D)``, in the order of the banks; any floating type.
            intra_negative: features ``(B, D)`` of the intra-negatives, or a sequence of such, one for each kind. They
                only enter their bank and get no gradient, unless with ``intra_gradient``. ``None`` where the loss has
                none.
            index: the videos' rows ``(B,)``.
            negative_index: rows ``(B, K)`` to contrast with, any K; drawn at random by default.

        Returns:
            The loss, a float32 scalar, the mean over the batch; and the metrics ``positive_probability``,
            ``positive_similarity``, ``inter_similarity`` and, with intra-negatives, ``intra_probability`` (the mass
            on the video's own intra-negative) and ``intra_similarity``, means over the kinds. All of them are of bank
            rows; similarities are inner products with these.

        Raises:
            InputError: number of views or features, or an index, that do not fit the banks.
        """
        negatives = list_of_kinds(intra_negative)
        self._check(views, negatives, index)
        if negative_index is None:
            negative_index = self._draw_negatives(index)
        check_rows(negative_index, self.num_videos)
        rows = torch.cat([index[:, None], negative_index], dim=1)

        # Logits are float32 whatever autocast says: divided by the temperature, half precision would be too coarse.
        with torch.autocast(index.device.type, enabled=False):
            features = [torch.stack([self._prepare(view) for view in views])]
            if self.intra_gradient:
                features.append(torch.stack([self._prepare(negative) for negative in negatives]))
            banks, places = self.bank.lookup(rows)
            # The gradient is taken here, before the banks that it depends on change.
            loss, metrics = with_gradient(partial(self._contrast_all, banks, places), *features)

        if self.training:
            self.normalizer_is_set = True
            self._remember([*views, *negatives], index)
        return ContrastOutput(loss, metrics)

    def _contrast_all(
        self, banks: Tensor, places: Tensor, features: Tensor, negatives: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and metrics.

        Args:
            banks: ``(V + n, M, D)``, those of n kinds of intra-negatives last.
            places: rows of them ``(B, K + 1)``.
            features: ``(V, B, D)``.
            negatives: ``(n, B, D)``, intra-negatives of the batch for a column each.
        """
        intra_logits = [bank_logits(features, bank, places) for bank in banks[self.num_views :]]
        if negatives is not None:
            intra_logits.append(torch.einsum("vbd,nbd->vbn", features, negatives))
        terms = []
        for pair, (anchor, target) in enumerate(self.pairs):
            (logits,) = bank_logits(features[anchor, None], banks[target], places)
            logits = torch.cat([logits, *(each[anchor] for each in intra_logits)], dim=1)
            terms.append(self._contrast(logits / self.temperature, pair, num_candidates=places.shape[1]))
        losses, metrics = zip(*terms, strict=True)
        return torch.stack(losses).sum(), mean_metrics(metrics)

    def fill(self, views: Sequence[Tensor], intra_negative: Tensor | Sequence[Tensor] | None, index: Tensor) -> None:
        """Replace the rows of a batch by its features, for a start from a first pass over the data.

        Random rows make the first epochs hard: an untrained network's features are all alike, and the loss rises far
        above that of guessing. Arguments are those of :meth:`forward`.
        """
        negatives = list_of_kinds(intra_negative)
        self._check(views, negatives, index)
        self._remember([*views, *negatives], index, momentum=0.0)

    @property
    def num_videos(self) -> int:
        """N, the rows of each bank."""
        return self.bank.shape[1]

    def _check(self, views: Sequence[Tensor], negatives: Sequence[Tensor], index: Tensor) -> None:
        shape = len(index), self.bank.shape[2]
        check_features("views", views, self.num_views, "views", shape)
        check_features("intra_negative", negatives, self.intra_negatives, "kinds of intra-negatives", shape)
        check_rows(index, self.num_videos)

    def _prepare(self, feature: Tensor) -> Tensor:
        feature = feature.to(torch.promote_types(feature.dtype, torch.float32))
        return F.normalize(feature, dim=-1) if self.normalize else feature

    def _contrast(self, logits: Tensor, pair: int, num_candidates: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and metrics of one pair of views from its logits ``(B, columns)``, the positive in column 0."""
        remembered = (1 + self.intra_negatives) * num_candidates
        own = slice(0, remembered, num_candidates)  # the columns of the positive, 0, and of intra-negatives, K + 1, ...
        if self.objective == "softmax":
            loss, probability = softmax_contrast(logits, own)
        else:
            loss, probability = self._noise_contrast(logits, pair, own)
        return loss, contrast_metrics(logits, probability, own, slice(1, num_candidates), self.temperature)

    def _noise_contrast(self, logits: Tensor, pair: int, own: slice) -> tuple[Tensor, Tensor]:
        """Binary NCE: tell the positive from M noise samples of probability 1 / N each, M the other columns.

        With log-odds ``s = logit - log(Z M / N)`` a column is the positive with probability ``sigmoid(s)``; so no
        exponential is taken that could overflow. Returns the loss, and the probabilities of the columns ``own``.
        """
        log_noise = math.log((logits.shape[1] - 1) / self.num_videos)
        log_odds = logits - self._log_normalizer_of(pair, logits.detach()) - log_noise
        loss = -F.logsigmoid(log_odds[:, 0]) - F.logsigmoid(-log_odds[:, 1:]).sum(dim=1)
        return loss.mean(), log_odds.detach()[:, own].sigmoid()

    def _log_normalizer_of(self, pair: int, logits: Tensor) -> Tensor:
        """log Z of a pair; while it is not set, that of ``Z = mean(exp(logits)) * N``, which a training step keeps."""
        if self.normalizer_is_set:
            return self.log_normalizer[pair]
        total = gather(logits.flatten().logsumexp(dim=0, keepdim=True), dim=0).logsumexp(dim=0)
        estimate = total + math.log(self.num_videos / (logits.numel() * world_size()))
        if self.training:
            self.log_normalizer[pair] = estimate
        return estimate

    def _draw_negatives(self, index: Tensor) -> Tensor:
        """Draw ``(B, K)`` rows. Processes draw for the joint batch and take their part, as one process would."""
        generator = torch.Generator(index.device).manual_seed(seed_of(self.seed, self.num_draws))
        self.num_draws += 1
        high = self.num_videos - self.exclude_self
        shape = (world_size(), len(index), self.num_negatives)
        draws = torch.randint(high, shape, generator=generator, device=index.device)[rank()]
        return draws + (draws >= index[:, None]) if self.exclude_self else draws

    def _remember(self, features: Sequence[Tensor], index: Tensor, momentum: float | None = None) -> None:
        """Mix the features of views, then of intra-negatives, into their banks."""
        self.bank.update(torch.stack([self._prepare(each.detach()) for each in features]), index, momentum)

    def get_extra_state(self) -> dict[str, Any]:
        """The number of draws, so that a resumed run goes on with those that an uninterrupted one would make."""
        return {"num_draws": self.num_draws, "normalizer_is_set": self.normalizer_is_set}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore the number of draws, and whether Z is set."""
        self.num_draws = state["num_draws"]
        self.normalizer_is_set = state["normalizer_is_set"]

    def extra_repr(self) -> str:
        """Show the options."""
        return (
            f"num_negatives={self.num_negatives}, temperature={self.temperature}, objective={self.objective!r}, "
            f"intra_negatives={self.intra_negatives}, intra_gradient={self.intra_gradient}, "
            f"normalize={self.normalize}"
        )


def check_rows(index: Tensor, num_videos: int) -> None:
    """Refuse indices outside the bank.

    On the GPU the check is queued, not waited for, and a failure ends in a device-side assertion; so a training task
    should check indices while they are still on the CPU.

    Raises:
        InputError: an index is negative or not below ``num_videos``.
    """
    inside = ((index >= 0) & (index < num_videos)).all()
    if index.device.type == "cpu" and not inside:
        outside = index[(index < 0) | (index >= num_videos)]
        raise InputError(
            f"index {int(outside[0])} is outside the memory banks of {num_videos} videos; "
            "build the loss with num_videos = length of the training set."
        )
    torch._assert_async(inside)
