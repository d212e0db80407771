"""The report of a pre-training: how it went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode

from iic_ptv.evaluation.report import Report, write_report
from iic_ptv.evaluation.sections import Curves, Section, Tile, Tiles
from iic_ptv.runs.folder import command_line, versions
from iic_ptv.runs.intra_negatives import NO_INTRA_NEGATIVE
from iic_ptv.runs.training_curves import shown_curves

METHODS = {  # what a pre-training with a loss is called: without and with intra-negatives
    "inter_intra_nce": ("CMC", "IIC"),
    "in_batch": ("SimCLR", "IIC in SimCLR's form"),
    "queue": ("MoCo", "IIC in MoCo's form"),
}


def write_pretrain_report(folder: Path, cfg: CfgNode, metrics: dict[str, Any]) -> Path:
    """Write ``report.html`` of a finished pre-training.

    Args:
        folder: the run folder.
        cfg: the configuration.
        metrics: what ``metrics.json`` says.
    """
    method = METHODS.get(cfg.LOSS.NAME, (cfg.LOSS.NAME, cfg.LOSS.NAME))[cfg.INTRA_NEGATIVE != NO_INTRA_NEGATIVE]
    wait = metrics["data_wait"]
    sections: list[Section] = [
        Tiles(
            [
                Tile("Videos", f"{metrics['videos']:,}", f"{metrics['epochs']} epochs, {metrics['steps']:,} steps"),
                Tile(
                    "Speed",
                    f"{metrics['clips_per_second']:.0f}",
                    f"for {_duration(metrics['seconds'])}",
                    unit="clips/s",
                ),
                Tile("Waiting for data", f"{100 * wait:.0f}", "of the time; workers or prepared videos help", unit="%"),
                Tile("Memory", f"{metrics['peak_memory_gb']:.1f}", "at most, without the GPU's", unit="GB"),
            ]
        )
    ]
    if curves := shown_curves(folder):
        sections.append(Curves({title: {method: curve} for title, curve in curves.items()}))
    negative = "" if cfg.INTRA_NEGATIVE == NO_INTRA_NEGATIVE else f", with {cfg.INTRA_NEGATIVE} as intra-negative"
    report = Report(
        f"{method} pre-training",
        f"{cfg.MODEL.BACKBONE} was pre-trained on {metrics['videos']:,} videos without labels, from the views "
        f"{', '.join(cfg.VIEWS)}{negative}. What its features are worth, `iic retrieve` and `iic probe` tell.",
        sections,
        cfg.dump(),
        versions(),
        command_line(),
    )
    write_report(folder / "report.html", report)
    return folder / "report.html"


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"
