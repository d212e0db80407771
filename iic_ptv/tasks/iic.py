"""Inter-Intra Contrastive pre-training as a Lightning task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import Metric, MetricCollection

from iic_ptv.errors import InputError
from iic_ptv.losses.inter_intra_nce import ContrastOutput, check_rows
from iic_ptv.randomness import seed_of
from iic_ptv.step_parts import FORWARD, FORWARD_NEGATIVE, LOSS, VIEWS, step_part
from iic_ptv.tasks.callbacks import shown_in_bar
from iic_ptv.transforms import RGB, Residual, to_float
from iic_ptv.transforms.clip import Draws
from iic_ptv.transforms.pipelines import SEED_KEY, generators_of

Batch = dict[str, Any]
Metrics = Metric | Sequence[Metric | MetricCollection] | dict[str, Metric | MetricCollection]


class IICTask(LightningModule):
    """Pre-train one network, or one per view, so that the views of a video agree (IIC, arXiv:2008.02531).

    Views and intra-negatives are made on the device from the one decoded clip. Each view is a forward pass of its
    own, with its own batch statistics. The intra-negative is made of view 1's input; its features only enter a memory
    bank, so that pass keeps no graph. Of several intra-negatives, each is a pass of its own; a loss whose attribute
    ``intra_gradient`` is true gets their features with their graph.

    A batch is PyTorchVideo's dictionary: ``video`` ``(B, C, T, H, W)`` in [0, 1] (or bytes), ``video_index`` ``(B,)``,
    the rows of the memory banks, and whatever else a view reads (``flow``). Where ``video`` is a list of clips, view
    *i* takes clip *i*, as IICv2 does with two clips of a video. PyTorchVideo's ``LabeledVideoDataset`` yields such
    batches as it is.

    With ``knn_memory``, validation is that of PyTorchVideo's trainer: a video is classified by the training videos that
    are nearest to it in view 1, as they were last seen in training, and ``metrics`` are logged under ``val/``.

    Args:
        model: the network ``(B, 3, T, H, W) -> (B, D)`` that all views share, or one network per view.
        loss: ``loss(views, intra_negative, index) -> ContrastOutput``, as in the registry LOSSES; ``intra_negative``
            are the features of the only one, a list of those of several, or ``None``.
        optim: makes the optimiser from the parameters.
        lr_scheduler: makes a scheduler, or Lightning's dictionary around one, from the optimiser.
        views: one module per view; RGB and residual frames by default.
        intra_negative: module that destroys the motion of a clip, or several such; ``None`` trains CMC, the baseline
            without.
        head: projection between the network and the loss, shared like the network; or one per view.
        modality_key: entry of the batch that holds the clip.
        knn_memory: as in PyTorchVideo's trainer, with ``init_knn_labels(train_loader)``, called before training,
            ``update(features, video_index)`` and ``eval_knn(features)``, which returns scores ``(B, classes)``.
            Features ``(B, D)`` are L2-normalised.
        metrics: of what ``knn_memory`` predicts, each ``metric(probabilities, labels)``: one, several, or by name.
        seed: of the intra-negatives' draws. They depend on it and on the clip's ``augmentation_seed`` alone, or, in
            batches that have none, on (seed, epoch, batch, rank).

    Example:
        >>> task = IICTask(
        ...     model=r3d(),
        ...     loss=InterIntraNCELoss(num_videos=9537, feature_dim=512),
        ...     optim=partial(torch.optim.SGD, lr=0.01, momentum=0.9, weight_decay=1e-4),
        ...     intra_negative=RepeatFrame(),
        ... )
        >>> lightning.Trainer(max_epochs=240).fit(task, loader)
    """

    loss: Any  # a module of the registry LOSSES; their methods go beyond nn.Module's

    def __init__(
        self,
        model: nn.Module | Sequence[nn.Module],
        loss: nn.Module,
        optim: Callable[[Iterable[nn.Parameter]], Optimizer],
        lr_scheduler: Callable[[Optimizer], Any] | None = None,
        *,
        views: Sequence[nn.Module] | None = None,
        intra_negative: nn.Module | Sequence[nn.Module] | None = None,
        head: nn.Module | Sequence[nn.Module] | None = None,
        modality_key: str = "video",
        knn_memory: nn.Module | None = None,
        metrics: Metrics | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.views = nn.ModuleList(views if views is not None else [RGB(), Residual()])
        self.networks = _shared_or_per_view("model", model, len(self.views))
        self.heads = _shared_or_per_view("head", nn.Identity() if head is None else head, len(self.views))
        self.intra_negatives = nn.ModuleList(_as_list(intra_negative))
        self.loss = loss
        self.optim = optim
        self.lr_scheduler = lr_scheduler
        self.modality_key = modality_key
        self.seed = seed
        self.knn_memory: Any = knn_memory
        self.val_metrics = MetricCollection([] if metrics is None else metrics, prefix="val/")
        if knn_memory is not None:  # only then: Lightning warns where there is this step and nothing to validate on
            self.validation_step = self._classify_by_neighbours  # type: ignore[method-assign]

    @property
    def encoders(self) -> list[nn.Module]:
        """All networks that embed clips in training."""
        return list(self.networks)

    def network(self, view: int = 0) -> nn.Module:
        """The network that embeds view number ``view``."""
        return self.networks[view % len(self.networks)]

    def embed(self, clip: Tensor, view: int = 0) -> Tensor:
        """Features ``(B, D)`` of the input ``(B, 3, T, H, W)`` of one view, as the loss sees them."""
        return self.heads[view % len(self.heads)](self.network(view)(clip))

    def forward(self, batch: Batch, generator: Draws = None) -> tuple[list[Tensor], Tensor | list[Tensor] | None]:
        """Embed a batch.

        Args:
            batch: a PyTorchVideo-style dictionary.
            generator: source of the intra-negatives' draws.

        Returns:
            Features ``(B, D)`` of every view; and of the intra-negative, without gradient unless the loss asks for it:
            a list of them if there are several, None if there is none.
        """
        inputs = self.view_inputs(batch)
        return self.embed_views(inputs), self.embed_intra_negatives(inputs[0], generator)

    def view_inputs(self, batch: Batch) -> list[Tensor]:
        """What the networks see ``(B, 3, T, H, W)``, of every view."""
        with step_part(VIEWS):
            return [view(self._clip(batch, view, number)) for number, view in enumerate(self.views)]

    def embed_views(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Features ``(B, D)`` of the inputs of all views."""
        with step_part(FORWARD):
            return [self.embed(clip, number) for number, clip in enumerate(inputs)]

    def embed_intra_negatives(self, clip: Tensor, generator: Draws) -> Tensor | list[Tensor] | None:
        """Features of the intra-negatives of view 1's input, as :meth:`forward` returns them."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and getattr(self.loss, "intra_gradient", False)):
            negatives = [self._embed_negative(each, clip, generator) for each in self.intra_negatives]
        return negatives if len(negatives) > 1 else next(iter(negatives), None)

    def embed_intra_negative(self, clip: Tensor) -> Tensor:
        """Features ``(B, D)`` of a clip ``(B, 3, T, H, W)`` whose motion is destroyed, as the loss sees them."""
        return self.embed(clip)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Contrast one batch and log the loss and its diagnostics."""
        index = batch["video_index"]
        output = self.contrast(batch, self._draws(batch, self.current_epoch, batch_idx, self.trainer.global_rank))
        self.log("train/loss", output.loss.detach(), prog_bar=shown_in_bar(self.trainer), batch_size=len(index))
        metrics = {f"train/{name}": value for name, value in output.metrics.items()}
        self.log_dict(metrics, batch_size=len(index))
        return output.loss

    def contrast(self, batch: Batch, generator: Draws) -> ContrastOutput:
        """The loss of a batch."""
        features, negative = self(batch, generator)
        self.remember(features, batch)
        with step_part(LOSS):
            output: ContrastOutput = self.loss(features, negative, batch["video_index"])
        return output

    def remember(self, features: Sequence[Tensor], batch: Batch) -> None:
        """Let the k-NN memory, if there is one, have the features of view 1 of a batch."""
        if self.knn_memory is not None:
            self.knn_memory.update(_unit(features[0]), batch["video_index"])

    def on_fit_start(self) -> None:
        """Let the k-NN memory, if there is one, read the labels of the videos to train on."""
        if self.knn_memory is not None:
            self.trainer.fit_loop.setup_data()
            self.knn_memory.init_knn_labels(self.trainer.train_dataloader)

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Check indices of the videos to train on while they are on the CPU, where a wrong one can be told in words."""
        index = torch.as_tensor(batch["video_index"])
        num_videos = getattr(self.loss, "num_videos", None)
        if num_videos is not None and (self.training or self.knn_memory is None):
            check_rows(index, num_videos)
        return {**batch, "video_index": index}

    @torch.no_grad()
    def fill_banks(self, batch: Batch) -> None:
        """Replace the batch's rows of the memory banks by its features; needs a loss with ``fill``."""
        draws = self._draws(batch, *batch["video_index"].tolist())
        self.loss.fill(*self(batch, draws), batch["video_index"])

    def configure_optimizers(self) -> Any:
        """Build the optimiser and, if asked for, its schedule."""
        optimizer = self.optim(each for each in self.parameters() if each.requires_grad)
        if self.lr_scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": self.lr_scheduler(optimizer)}

    def _classify_by_neighbours(self, batch: Batch, batch_idx: int) -> None:
        """Measure what the k-NN memory makes of view 1 of a batch."""
        scores = self.knn_memory.eval_knn(_unit(self.embed(self.views[0](self._clip(batch, self.views[0], 0)))))
        self.val_metrics.update(scores.softmax(dim=-1), batch["label"])
        self.log_dict(self.val_metrics, on_epoch=True, batch_size=len(scores))

    def _embed_negative(self, intra_negative: nn.Module, clip: Tensor, generator: Draws) -> Tensor:
        """Features of an intra-negative of view 1's input."""
        with step_part(VIEWS):
            destroyed = intra_negative(clip, generator)
        with step_part(FORWARD_NEGATIVE):
            return self.embed_intra_negative(destroyed)

    def _draws(self, batch: Batch, *place: int) -> Draws:
        """Generators of intra-negatives: one for each clip if the batch has their seeds, else one for this place."""
        seeds = batch.get(SEED_KEY)
        if seeds is None:
            return generators_of(seed_of(self.seed, *place))
        of_view_1 = seeds[0] if isinstance(seeds[0], list) else seeds
        return generators_of([seed_of(self.seed, seed) for seed in of_view_1])

    def _clip(self, batch: Batch, view: nn.Module, number: int) -> Tensor:
        """The clip that a view reads."""
        key = getattr(view, "modality_key", "video")
        key = self.modality_key if key == "video" else key
        if key not in batch:
            raise InputError(f"view {number + 1} ({type(view).__name__}) reads '{key}', which the batch does not have.")
        clip = batch[key]
        return to_float(clip[number % len(clip)] if isinstance(clip, (list, tuple)) else clip)


def _shared_or_per_view(name: str, given: nn.Module | Sequence[nn.Module], num_views: int) -> nn.ModuleList:
    modules = _as_list(given)
    if len(modules) not in (1, num_views):
        raise InputError(f"{name}: give one for all views or one for each of the {num_views}, not {len(modules)}.")
    return nn.ModuleList(modules)


def _unit(features: Tensor) -> Tensor:
    """Features as a k-NN memory takes them: without graph, of length 1."""
    return F.normalize(features.detach().float(), dim=1)


def _as_list(given: nn.Module | Sequence[nn.Module] | None) -> list[nn.Module]:
    if given is None:
        return []
    return [given] if isinstance(given, nn.Module) else list(given)
