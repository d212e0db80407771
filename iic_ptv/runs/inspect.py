"""What ``iic inspect`` does: show what a network sees of a video, and how similar it finds that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from fvcore.common.config import CfgNode
from rich.table import Table as TerminalTable
from torch import Tensor, nn

from iic_ptv.config import load_config, without_output
from iic_ptv.errors import InputError
from iic_ptv.evaluation.contact_sheet_image import contact_sheet_image
from iic_ptv.evaluation.forward_pass import embed_clips
from iic_ptv.evaluation.report import Report, write_report
from iic_ptv.evaluation.sections import ContactSheet, Section, SheetRow, SimilarityMatrix
from iic_ptv.files.atomic import atomic_write
from iic_ptv.registry import load_plugins
from iic_ptv.runs.build import build_networks, evaluation_device
from iic_ptv.runs.checkpoint import Checkpoint, load_networks, read_checkpoint
from iic_ptv.runs.evaluation.embed import network_number
from iic_ptv.runs.folder import command_line, create_run_folder, describe_run, versions, write_json
from iic_ptv.runs.network_input import NetworkInput, TwoClips, network_inputs, read_two_clips
from iic_ptv.runs.terminal import console, say
from iic_ptv.search.clock import format_time

PICTURE = ".png"
NOTE = (
    "Training draws the views of a video together, and pushes other videos and the intra-negatives away. A network "
    "that knows motion finds intra-negatives less similar to a clip than its views, or than another clip of the video; "
    "one that knows appearance alone cannot tell."
)


def inspect_command(
    video: str,
    checkpoint: str | None = None,
    at: float | None = None,
    output: str | None = None,
    overrides: Sequence[str] = (),
) -> Path:
    """Write a contact sheet of what a network sees of a clip and, with a checkpoint, how similar it finds it.

    Args:
        video: the video.
        checkpoint: run folder or checkpoint; None: no similarities.
        at: where the clip begins, in seconds; None: in the middle of the video.
        output: the HTML page to write, with the picture beside it; None: in a run folder of their own.
        overrides: ``KEY VALUE`` pairs.

    Returns:
        The page.

    Raises:
        InputError: something that was asked for cannot be used.
    """
    if output and Path(output).suffix == PICTURE:
        raise InputError(f"{output}: name the HTML page with -o; the picture gets the same name with {PICTURE}.")
    loaded = read_checkpoint(checkpoint) if checkpoint else None
    cfg = load_config(None, overrides, base=without_output(loaded.config) if loaded else None)
    load_plugins(cfg.PLUGINS)
    two_clips = read_two_clips(cfg, video, at)
    inputs = network_inputs(cfg, two_clips)
    similarities = _similarities(cfg, loaded, inputs) if loaded else None

    page = Path(output) if output else _in_run_folder(cfg, video, two_clips, similarities)
    picture = page.with_suffix(PICTURE) if output else page.with_name(f"contact_sheet{PICTURE}")
    write_report(page, _report(cfg, video, two_clips, inputs, similarities))
    with atomic_write(picture) as temporary:
        contact_sheet_image({f"{each.label}: {each.note}": each.shown for each in inputs}).save(temporary)
    if similarities:
        console.print(_terminal_table(similarities))
    say(f"picture: {picture}")
    say(f"report: {page}")
    return page


def _in_run_folder(cfg: CfgNode, video: str, two_clips: TwoClips, similarities: SimilarityMatrix | None) -> Path:
    """The page in a new run folder, which has the numbers already."""
    folder = create_run_folder(cfg.OUTPUT, "inspect", Path(video).stem)
    describe_run(folder, cfg.dump())
    labels, rows = (similarities.labels, similarities.rows) if similarities else ((), [])
    numbers = {
        label: {other: round(value, 4) for other, value in zip(labels, row, strict=True)}
        for label, row in zip(labels, rows, strict=True)
    }
    write_json(folder / "metrics.json", {"video": video, "clips_begin_at": two_clips.times, "similarity": numbers})
    return folder / "report.html"


def _similarities(cfg: CfgNode, checkpoint: Checkpoint, inputs: Sequence[NetworkInput]) -> SimilarityMatrix:
    """Cosine similarities of the pooled features of all inputs for which there is a network."""
    networks = nn.ModuleList(build_networks(cfg)).to(evaluation_device(cfg)).eval()
    load_networks(networks, checkpoint)
    known = [each for each in inputs if len(networks) == 1 or each.view in cfg.VIEWS]
    features = torch.cat([_embed(networks[network_number(cfg, each.view, len(networks))], each.clip) for each in known])
    if not features.isfinite().all():
        raise InputError(f"{checkpoint.path}: its features are NaN or infinite: the network has diverged; use another.")
    directions = F.normalize(features.double(), dim=1)
    return SimilarityMatrix(
        (directions @ directions.T).clamp(-1, 1), [each.label for each in known], note=f"Of pooled features. {NOTE}"
    )


def _embed(network: nn.Module, clip: Tensor) -> Tensor:
    """Features ``(1, D)`` of a clip ``(3, T, H, W)``."""
    network.features = "pooled"  # type: ignore[assignment]
    device = next(network.parameters()).device
    return embed_clips(network, nn.Identity(), clip[None].to(device)).cpu()


def _report(
    cfg: CfgNode,
    video: str,
    two_clips: TwoClips,
    inputs: Sequence[NetworkInput],
    similarities: SimilarityMatrix | None,
) -> Report:
    rows = [SheetRow(each.label, each.shown, each.note) for each in inputs]
    sheet = ContactSheet(rows, "Views and intra-negatives", "Frame by frame.", two_clips.seconds)
    sections: list[Section] = [sheet, *([similarities] if similarities else [])]
    return Report(
        f"What the network sees of {Path(video).name}",
        f"{cfg.DATA.CLIP_LENGTH} frames from {format_time(two_clips.times[0])} on, {two_clips.seconds:.2g} seconds, as "
        f"they are evaluated: {cfg.DATA.CROP} x {cfg.DATA.CROP} pixels from the middle.",
        sections,
        cfg.dump(),
        versions(),
        command_line(),
    )


def _terminal_table(similarities: SimilarityMatrix) -> TerminalTable:
    table = TerminalTable("", "cosine similarity", box=None, padding=(0, 1, 0, 0))
    for number in range(1, len(similarities.labels) + 1):
        table.add_column(str(number), justify="right", no_wrap=True)
    for number, (label, row) in enumerate(zip(similarities.labels, similarities.rows, strict=True), start=1):
        table.add_row(str(number), label, *(f"{value:.2f}" for value in row))
    return table
