"""Watching a pre-training by what a k-NN classifier makes of its features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn

from iic_ptv.distributed import take_from_first, told_by_first
from iic_ptv.evaluation.features import Transform
from iic_ptv.evaluation.knn import knn_scores
from iic_ptv.evaluation.shared_features import RowFeatures, extract_rows, extracted_together
from iic_ptv.tasks.iic import IICTask

MakeBatches = Callable[[], Iterable[Mapping[str, Any]]]


class OnlineKNN(Callback):
    """Log ``val/knn_top1`` every few epochs: the accuracy of a weighted k-NN on the pooled features of all views.

    Training does not notice: networks are put into eval mode and back, nothing is drawn from any generator that
    training draws from, and the videos come from loaders of their own. Processes that train together measure together:
    each embeds the videos that it makes batches of, which should be its share of them
    (:func:`~iic_ptv.shares.own_share`); one that several processes embed counts once all the same.

    Args:
        gallery: makes the batches of the videos that vote, which all have labels and a ``video_index``; called anew
            every time.
        query: likewise of the videos to classify.
        num_classes: labels are below it.
        every: epochs from one measurement to the next.
        k: neighbours that vote.
        temperature: of the weights of their votes.
        transform: what happens to a batch on the device before the views are taken.

    Example:
        >>> watch = OnlineKNN(lambda: train_loader, lambda: test_loader, num_classes=101)  # doctest: +SKIP
        >>> lightning.Trainer(callbacks=[watch]).fit(IICTask(...), loader)  # doctest: +SKIP
    """

    def __init__(
        self,
        gallery: MakeBatches,
        query: MakeBatches,
        num_classes: int,
        every: int = 1,
        k: int = 20,
        temperature: float = 0.07,
        transform: Transform | None = None,
    ) -> None:
        self.gallery = gallery
        self.query = query
        self.num_classes = num_classes
        self.every = every
        self.k = k
        self.temperature = temperature
        self.transform = transform

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Measure, in all processes."""
        if (trainer.current_epoch + 1) % self.every:
            return
        with trainer.precision_plugin.forward_context():
            accuracy = self.measure(pl_module)
        if trainer.is_global_zero:
            pl_module.log("val/knn_top1", accuracy, rank_zero_only=True)

    def measure(self, task: IICTask) -> float:
        """The accuracy in [0, 1] of the task's networks as they are in the first process."""
        # Weights are the same everywhere; BatchNorm's statistics are each process's own, and only the first one's last.
        take_from_first(task.networks.buffers())
        gallery, query = self._embed(task, self.gallery), self._embed(task, self.query)
        return told_by_first(self._accuracy(gallery, query) if gallery and query else 0.0)

    def _embed(self, task: IICTask, make_batches: MakeBatches) -> RowFeatures | None:
        views: dict[str, nn.Module] = {str(number): view for number, view in enumerate(task.views)}
        models = {name: task.network(int(name)) for name in views}
        return extracted_together(lambda: extract_rows(models, make_batches(), views, transform=self.transform))

    def _accuracy(self, gallery: RowFeatures, query: RowFeatures) -> float:
        votes = knn_scores(query.joint, gallery.joint, gallery.labels, self.num_classes, self.k, self.temperature)
        hits: Tensor = votes.argmax(dim=1) == query.labels
        return float(hits.float().mean())
