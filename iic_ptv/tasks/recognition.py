"""Action recognition as a Lightning task: train a network and its classifier, test on several clips of a video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy

from iic_ptv.distributed import take_from_first, told_to_all
from iic_ptv.errors import InputError
from iic_ptv.tasks.callbacks import shown_in_bar
from iic_ptv.tasks.mean_loss import MeanLoss
from iic_ptv.transforms import to_float

Batch = dict[str, Any]
Metrics = Metric | Sequence[Metric] | MetricCollection


def accuracy_metrics(num_classes: int) -> MetricCollection:
    """Top-1 and top-5 accuracy over all videos, in [0, 1]; with fewer than five classes, top-5 counts them all."""
    return MetricCollection(
        {
            f"top{k}": MulticlassAccuracy(num_classes, top_k=min(k, num_classes), average="micro", validate_args=False)
            for k in (1, 5)
        }
    )


class RecognitionTask(LightningModule):
    """Train a network to tell classes apart, all layers of it (section "Recognition" of the paper, arXiv:2008.02531).

    A batch is PyTorchVideo's dictionary: ``video`` ``(B, C, T, H, W)`` in [0, 1] (or bytes) and ``label`` ``(B,)``. In
    validation and test, videos may come with several clips, ``(B, n, C, T, H, W)``: their logits are averaged.

    Logs ``loss``, ``top1`` and ``top5`` under ``train/``, ``val/`` and ``test/``; the latter two are of all videos, in
    whatever batches and processes, some of which may have none.

    Args:
        model: the network ``(B, C, T, H, W) -> (B, num_classes)``. If it has a part called ``classifier``, as all of
            the registry BACKBONES have, this is an optimiser's group of its own.
        loss: ``loss(logits, labels)``.
        optim: makes the optimiser from groups of parameters.
        metrics: measured in training, validation and test, each ``metric(logits, labels)``; top-1 and top-5 accuracy by
            default, for which ``model`` needs ``num_classes``.
        lr_scheduler: makes a scheduler, or Lightning's dictionary around one, from the optimiser.
        view: what turns clips into what the network sees; RGB as it is by default.
        modality_key: entry of the batch that holds the clip, unless ``view`` names another.
        backbone_lr: learning rate of the backbone, as a share of the classifier's.
        class_names: what is told apart, in the order of the logits; kept in checkpoints.

    Raises:
        InputError: ``metrics`` are not given and the number of classes is not known, or ``backbone_lr`` is not 1 though
            ``model`` has no ``classifier``.

    Example:
        >>> task = RecognitionTask(
        ...     model=r3d(num_classes=101),
        ...     loss=nn.CrossEntropyLoss(),
        ...     optim=partial(torch.optim.SGD, lr=1e-3, momentum=0.9, weight_decay=5e-4),
        ...     view=Residual(scaled=False),
        ... )
        >>> lightning.Trainer(max_epochs=150).fit(task, train_loader, validation_loader)
    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        optim: Callable[[Any], Optimizer],
        metrics: Metrics | None = None,
        lr_scheduler: Callable[[Optimizer], Any] | None = None,
        *,
        view: nn.Module | None = None,
        modality_key: str = "video",
        backbone_lr: float = 1.0,
        class_names: Sequence[str] = (),
    ) -> None:
        super().__init__()
        if backbone_lr != 1 and not _classifier_parameters(model):
            raise InputError("backbone_lr: only a model with a part called 'classifier' can have two learning rates.")
        self.model = model
        self.loss = loss
        self.optim = optim
        self.lr_scheduler = lr_scheduler
        self.view = view or nn.Identity()
        own_key = getattr(view, "modality_key", "video")
        self.modality_key = modality_key if own_key == "video" else own_key
        self.backbone_lr = backbone_lr
        self.class_names = tuple(class_names)
        collection = _collection(metrics, model)
        self.train_metrics = collection.clone(prefix="train/")
        self.val_metrics = collection.clone(prefix="val/")
        self.test_metrics = collection.clone(prefix="test/")
        self.val_loss, self.test_loss = MeanLoss(), MeanLoss()

    def forward(self, batch: Batch) -> Tensor:
        """Logits ``(B, num_classes)``, float32; the mean over the clips of each video if there are several."""
        clips = self._clips(batch)
        if clips.ndim == 5:
            return self.model(self.view(clips)).float()
        logits = self.model(self.view(clips.flatten(0, 1))).float()
        return logits.unflatten(0, clips.shape[:2]).mean(dim=1)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch."""
        logits, labels = self(batch), batch["label"]
        loss: Tensor = self.loss(logits, labels)
        self.train_metrics.update(logits.detach(), labels)
        self.log_dict(self.train_metrics, on_step=False, on_epoch=True, batch_size=len(labels))
        self.log("train/loss", loss.detach(), prog_bar=shown_in_bar(self.trainer), batch_size=len(labels))
        return loss

    def on_validation_start(self) -> None:
        """Measure one and the same network in all processes."""
        self._be_as_saved()

    def on_test_start(self) -> None:
        """Measure one and the same network in all processes."""
        self._be_as_saved()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure one batch of whole videos."""
        self._measure(batch, self.val_metrics, self.val_loss)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure one batch of whole videos."""
        self._measure(batch, self.test_metrics, self.test_loss)

    def on_validation_epoch_end(self) -> None:
        """Log what was measured of all videos."""
        self._log_measured("val/loss", self.val_metrics, self.val_loss)

    def on_test_epoch_end(self) -> None:
        """Log what was measured of all videos."""
        self._log_measured("test/loss", self.test_metrics, self.test_loss)

    def configure_optimizers(self) -> Any:
        """Build the optimiser, of a group for the backbone and one for the classifier, and its schedule."""
        optimizer = self.optim(self.parameter_groups())
        optimizer.param_groups[0]["lr"] *= self.backbone_lr
        if self.lr_scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": self.lr_scheduler(optimizer)}

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The parameters of the backbone and, if the model has one, of the classifier, as optimisers take them."""
        classifier = _classifier_parameters(self.model)
        own = {id(parameter) for parameter in classifier}
        backbone = [parameter for parameter in self.parameters() if id(parameter) not in own]
        groups = [{"params": backbone, "name": "backbone"}, {"params": classifier, "name": "classifier"}]
        return [group for group in groups if group["params"]]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let the checkpoint say what the logits stand for."""
        checkpoint["class_names"] = list(self.class_names)

    def _be_as_saved(self) -> None:
        """Take BatchNorm's statistics from the first process, which alone saves them: each has gathered its own."""
        take_from_first(self.model.buffers())

    def _measure(self, batch: Batch, metrics: MetricCollection, mean_loss: MeanLoss) -> None:
        logits, labels = self(batch), batch["label"]
        metrics.update(logits, labels)
        mean_loss.update(self.loss(logits, labels), len(labels))

    def _log_measured(self, name: str, metrics: MetricCollection, mean_loss: MeanLoss) -> None:
        """Log the means over all videos, unless there are none; what some process has none of, all must ask for."""
        if any(told_to_all(mean_loss.update_called)):
            self.log_dict(metrics)
            self.log(name, mean_loss)

    def _clips(self, batch: Batch) -> Tensor:
        if self.modality_key not in batch:
            raise InputError(f"{type(self.view).__name__} reads '{self.modality_key}', which the batch does not have.")
        clips = batch[self.modality_key]
        if isinstance(clips, list):
            raise InputError("Recognition takes one clip of each video to train on: set DATA.CLIPS_PER_VIDEO to 1.")
        return to_float(clips)


def _classifier_parameters(model: nn.Module) -> list[nn.Parameter]:
    classifier = getattr(model, "classifier", None)
    return list(classifier.parameters()) if isinstance(classifier, nn.Module) else []


def _collection(metrics: Metrics | None, model: nn.Module) -> MetricCollection:
    if metrics is not None:
        return metrics if isinstance(metrics, MetricCollection) else MetricCollection(metrics)
    num_classes = getattr(model, "num_classes", None)
    if not num_classes:
        raise InputError(
            "metrics: the model does not tell its number of classes; pass accuracy_metrics(num_classes), or metrics "
            "of your own."
        )
    return accuracy_metrics(num_classes)
