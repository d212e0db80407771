"""What happens around the training loop: filling the banks, measuring what is waited for, saying how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, track

from iic_ptv.tasks.accumulation import made_a_step

DAY = 24 * 60 * 60
MANY_DAYS = 3  # longer than anybody waits for a CPU


class FillBanks(Callback):
    """Fill the memory banks from a first pass over the data before a fresh run; a resumed run has its own.

    Args:
        make_loader: returns a loader that visits every video once.
    """

    def __init__(self, make_loader: Callable[[], Iterable[Any]]) -> None:
        self.make_loader = make_loader

    def on_fit_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Embed every video once, as training would, and write its features to its rows."""
        if trainer.ckpt_path is not None:
            return
        pl_module.train()
        silent = not trainer.is_global_zero
        for batch in track(self.make_loader(), "filling the memory banks", disable=silent, transient=True):
            batch = trainer.strategy.batch_to_device(pl_module.on_before_batch_transfer(batch, 0))
            with trainer.precision_plugin.forward_context():
                pl_module.fill_banks(batch)


class LogDataWait(Callback):
    """Log ``train/data_wait``: the share of the time since the last logged step in which training waited for data.

    Above a few percent the device is idle for want of clips: more worker processes or prepared videos help.

    Args:
        every: steps between two entries.
    """

    def __init__(self, every: int = 10) -> None:
        self.every = every
        self.waited = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock; what was waited for until here, the start of the workers, was no step's."""
        self._since = self._start = (time.perf_counter(), _seconds_waited(trainer))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log the share of the steps since the last entry."""
        if made_a_step(trainer, batch_idx) and trainer.global_step % self.every == 0:
            now = time.perf_counter(), _seconds_waited(trainer)
            pl_module.log("train/data_wait", _share(self._since, now), batch_size=1)
            self._since = now

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the share of the whole training."""
        self.waited = _share(self._start, (time.perf_counter(), _seconds_waited(trainer)))


def _seconds_waited(trainer: Trainer) -> float:
    """What the loader has counted; loaders of others do not count."""
    return getattr(trainer.train_dataloader, "seconds_waited", 0.0)


def _share(begin: tuple[float, float], end: tuple[float, float]) -> float:
    """Seconds waited of the seconds that passed."""
    return (end[1] - begin[1]) / max(end[0] - begin[0], 1e-9)


class EmbedConfig(Callback):
    """Write the run's configuration into its checkpoints, so that a checkpoint alone can be rebuilt.

    Args:
        config: the configuration as YAML.
    """

    def __init__(self, config: str) -> None:
        self.config = config

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the entry ``iic_config``."""
        checkpoint["iic_config"] = self.config


class RunProgress(ProgressBar):
    """One bar over the whole run: steps, clips per second, time left and the loss.

    On a CPU it says after two steps if there are days to come: the paper's recipe is one for GPUs.

    Args:
        label: what the bar is called.
        loss_every: steps between two looks at the loss.
    """

    def __init__(self, label: str = "pre-training", loss_every: int = 10) -> None:
        super().__init__()
        self.label = label
        self.loss_every = loss_every
        self.clips_seen = 0
        self._batches = 0
        self.seconds = 0.0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[clips_per_second]:.1f} clips/s{task.fields[loss]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
        )

    @property
    def clips_per_second(self) -> float:
        """Clips per second since this fit began."""
        return self.clips_seen / self.seconds if self.seconds else 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the bar, at the step a resumed run stands at."""
        self._started = time.perf_counter()
        total, done = int(trainer.estimated_stepping_batches), trainer.global_step
        if trainer.is_global_zero:
            self._bar.start()
        self._task = self._bar.add_task(self.label, total=total, completed=done, clips_per_second=0.0, loss="")

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Advance the bar; read the loss, which waits for the device, only as often as it is logged."""
        self.clips_seen += len(batch["video_index"]) * trainer.world_size
        self.seconds = time.perf_counter() - self._started
        self._bar.update(self._task, completed=trainer.global_step, clips_per_second=self.clips_per_second)
        self._batches += 1
        if self._batches == 2 and trainer.strategy.root_device.type == "cpu":
            self._warn_of_days(trainer)
        if not made_a_step(trainer, batch_idx) or trainer.global_step % self.loss_every:
            return
        if "train/loss" in trainer.callback_metrics:
            self._bar.update(self._task, loss=f", loss {float(trainer.callback_metrics['train/loss']):.2f}")

    def _warn_of_days(self, trainer: Trainer) -> None:
        steps = int(trainer.estimated_stepping_batches) - trainer.global_step
        left = steps * trainer.accumulate_grad_batches * self.seconds / self._batches
        if left > MANY_DAYS * DAY:
            self._bar.console.print(
                f"At this speed it takes {left / DAY:,.0f} days on this CPU. A GPU would help, as would fewer or "
                "smaller clips and a smaller network: iic_ptv/configs/quickstart.yaml has all three.",
                style="yellow",
            )

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave the bar as it stands, and the terminal as it was."""
        self._bar.stop()

    def disable(self) -> None:
        """Show nothing; counting goes on."""
        self._bar.disable = True


def shown_in_bar(trainer: Trainer) -> bool:
    """Whether to give a number to the trainer's bar: Lightning reads it after every step, and waits for the device.

    :class:`RunProgress` takes what is logged, now and then.
    """
    bar = trainer.progress_bar_callback
    return bar is not None and not isinstance(bar, RunProgress)
