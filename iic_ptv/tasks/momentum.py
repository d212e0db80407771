"""Pre-training with an encoder of keys that follows the trained one, as in MoCo."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from iic_ptv.losses.contrast import ContrastOutput
from iic_ptv.step_parts import FORWARD, LOSS, step_part
from iic_ptv.tasks.iic import Batch, IICTask
from iic_ptv.transforms.clip import Draws


class MomentumIICTask(IICTask):
    """IIC with a momentum encoder, for losses that take keys (MoCo, arXiv:1911.05722, section 3.2).

    Keys of the views and features of the intra-negatives come from copies of networks and heads, without graph; queries
    from those that are trained. The copies start equal, and after every step of the optimiser each of their weights
    becomes ``m * own + (1 - m) * trained``. They run in training mode, and their BatchNorm keeps statistics of its own.

    Batch statistics are each process's own. MoCo shuffles clips among processes, so that these do not tell which key is
    a query's; that is not done here. Statistics of the joint batch (``TRAINER.SYNC_BATCHNORM``) tell less.

    Args:
        arguments: those of :class:`~iic_ptv.tasks.iic.IICTask`; the loss is called as
            ``loss(queries, intra_negative, index, keys=keys)``.
        key_momentum: m.
        options: likewise.

    Example:
        >>> task = MomentumIICTask(
        ...     model=r3d(),
        ...     loss=QueueLoss(num_videos=9537, feature_dim=512, num_negatives=4096),
        ...     optim=partial(torch.optim.SGD, lr=0.01, momentum=0.9, weight_decay=1e-4),
        ...     intra_negative=RepeatFrame(),
        ... )
    """

    def __init__(self, *arguments: Any, key_momentum: float = 0.999, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.key_momentum = key_momentum
        self.key_networks = _frozen_copy(self.networks)
        self.key_heads = _frozen_copy(self.heads)

    @property
    def encoders(self) -> list[nn.Module]:
        """Those that are trained, and those of keys."""
        return [*self.networks, *self.key_networks]

    def embed_key(self, clip: Tensor, view: int = 0) -> Tensor:
        """As :meth:`embed`, by the momentum encoder."""
        features = self.key_networks[view % len(self.key_networks)](clip)
        return self.key_heads[view % len(self.key_heads)](features)

    def embed_intra_negative(self, clip: Tensor) -> Tensor:
        """By the momentum encoder."""
        return self.embed_key(clip)

    def contrast(self, batch: Batch, generator: Draws) -> ContrastOutput:
        """The loss of a batch, of queries and keys of the same inputs."""
        inputs = self.view_inputs(batch)
        queries, keys = self.embed_views(inputs), self._keys(inputs)
        self.remember(queries, batch)
        negative = self.embed_intra_negatives(inputs[0], generator)
        with step_part(LOSS):
            output: ContrastOutput = self.loss(queries, negative, batch["video_index"], keys=keys)
        return output

    def optimizer_step(self, *arguments: Any, **options: Any) -> None:
        """Let the momentum encoder follow each step, before anything is saved."""
        super().optimizer_step(*arguments, **options)
        self._follow()

    @torch.no_grad()
    def _keys(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        with step_part(FORWARD):
            return [self.embed_key(clip, number) for number, clip in enumerate(inputs)]

    @torch.no_grad()
    def _follow(self) -> None:
        for followed, following in ((self.networks, self.key_networks), (self.heads, self.key_heads)):
            weights: list[Tensor] = list(following.parameters())
            if weights:
                torch._foreach_lerp_(weights, list(followed.parameters()), 1 - self.key_momentum)


def _frozen_copy(modules: nn.ModuleList) -> nn.ModuleList:
    return copy.deepcopy(modules).requires_grad_(False)
