"""The quickstart: render videos, pre-train CMC and IIC on them, compare both with the untrained network, report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode
from lightning.pytorch import seed_everything
from torch import nn

from iic_ptv.config import load_config
from iic_ptv.data.index import VideoIndex
from iic_ptv.data.procedural import write_videos
from iic_ptv.evaluation.curves import Curve, by_title
from iic_ptv.evaluation.feature_map import feature_map_section
from iic_ptv.evaluation.gallery import gallery_rows
from iic_ptv.evaluation.report import Report, write_report
from iic_ptv.evaluation.retrieval import PAPER_KS
from iic_ptv.evaluation.sections import Curves, Gallery, TopK, top_k_tiles
from iic_ptv.runs.build import build_bad_video_log, build_networks
from iic_ptv.runs.evaluation.embed import JOINT
from iic_ptv.runs.evaluation.retrieve import Retrieved, retrieve, top_k
from iic_ptv.runs.evaluation.sources import evaluation_indices
from iic_ptv.runs.folder import command_line, create_run_folder, describe_run, versions, write_json
from iic_ptv.runs.intra_negatives import NO_INTRA_NEGATIVE
from iic_ptv.runs.pretraining.pretrain import pretrain
from iic_ptv.runs.shown_clip import shown_clip
from iic_ptv.runs.terminal import accuracy_table, console, say
from iic_ptv.runs.training import peak_memory_gb
from iic_ptv.runs.training_curves import shown_curves

CONFIG = Path(__file__).parents[1] / "configs" / "quickstart.yaml"
MOTIONS = (
    *("translate_left", "translate_right", "translate_up", "translate_down"),
    *("spin_clockwise", "spin_counterclockwise", "orbit_clockwise", "orbit_counterclockwise"),
    *("oscillate_horizontally", "oscillate_vertically", "pulsate", "bounce"),
)
TRAIN_PER_MOTION = 100
TEST_PER_MOTION = 25
NUM_FRAMES = 32
LABELS = {"random": "Untrained", "cmc": "CMC", "iic": "IIC"}


@dataclass(frozen=True)
class Contender:
    """A network of the comparison: what it retrieves, and how its training went."""

    retrieved: Retrieved
    curves: dict[str, Curve]


def quickstart(overrides: Sequence[str]) -> Path:
    """Run the main job on an embedded default; returns the folder with ``metrics.json`` and ``report.html``."""
    started = time.perf_counter()
    cfg = load_config(CONFIG, overrides)
    folder = create_run_folder(cfg.OUTPUT, "quickstart", f"seed{cfg.SEED}")
    say(f"run folder: {folder}")
    _render(cfg)
    describe_run(folder, cfg.dump())
    gallery, query = evaluation_indices(cfg)
    say(f"{len(gallery)} videos to train on and to search in, {len(query)} others to search with")

    contenders = {
        "random": _untrained(cfg, folder, gallery, query),
        "cmc": _trained(cfg, folder, "cmc", NO_INTRA_NEGATIVE, gallery, query),
        "iic": _trained(cfg, folder, "iic", cfg.INTRA_NEGATIVE, gallery, query),
    }
    seconds = round(time.perf_counter() - started)
    chance = contenders["iic"].retrieved.chance
    write_json(folder / "metrics.json", _metrics(cfg, contenders, chance, seconds))
    write_report(folder / "report.html", _report(cfg, contenders, chance, gallery, query))
    rows = {LABELS[name]: contender.retrieved.accuracy[JOINT] for name, contender in contenders.items()}
    console.print(accuracy_table(rows, chance))
    say(f"{seconds} s, peak memory {peak_memory_gb()} GB")
    say(f"report: {folder / 'report.html'}")
    return folder


def _render(cfg: CfgNode) -> None:
    """Write the videos, or find them written by a run before, and point the configuration at them."""
    height, width = cfg.DATA.FRAME_SIZE
    name = f"{len(MOTIONS)}x{TRAIN_PER_MOTION}+{TEST_PER_MOTION}-{NUM_FRAMES}x{height}x{width}-seed{cfg.SEED}"
    videos = write_videos(
        Path(cfg.OUTPUT) / "quickstart" / "videos" / name,
        train_per_class=TRAIN_PER_MOTION,
        test_per_class=TEST_PER_MOTION,
        motions=MOTIONS,
        num_frames=NUM_FRAMES,
        size=(height, width),
        seed=cfg.SEED,
    )
    cfg.DATA.ROOT = str(videos / "videos")
    cfg.DATA.LISTS = [str(videos / "splits" / "trainlist01.txt")]
    cfg.EVAL.QUERY = [str(videos / "splits" / "testlist01.txt")]


def _untrained(cfg: CfgNode, folder: Path, gallery: VideoIndex, query: VideoIndex) -> Contender:
    """The network as the pre-trainings find it: the same seed draws the same weights."""
    seed_everything(cfg.SEED, workers=True, verbose=False)
    return Contender(_retrieve(cfg, nn.ModuleList(build_networks(cfg)), folder, gallery, query), {})


def _trained(
    cfg: CfgNode, folder: Path, name: str, intra_negative: str, gallery: VideoIndex, query: VideoIndex
) -> Contender:
    cfg = cfg.clone()
    cfg.INTRA_NEGATIVE = intra_negative
    run_folder = folder / name
    run_folder.mkdir()
    networks = pretrain(cfg, run_folder, label=f"pre-training {LABELS[name]}").task.networks
    return Contender(_retrieve(cfg, networks, folder, gallery, query), shown_curves(run_folder))


def _retrieve(cfg: CfgNode, networks: nn.ModuleList, folder: Path, gallery: VideoIndex, query: VideoIndex) -> Retrieved:
    bad_videos = build_bad_video_log(cfg, folder, len(gallery) + len(query))
    return retrieve(cfg, networks, gallery, query, bad_videos, progress=False)


def _metrics(cfg: CfgNode, contenders: dict[str, Contender], chance: dict[int, float], seconds: int) -> dict[str, Any]:
    """Joint retrieval of every network, its views one by one beside it."""
    networks = {
        name: {**contender.retrieved.metrics()[JOINT], "views": contender.retrieved.metrics()}
        for name, contender in contenders.items()
    }
    return {
        **networks,
        "chance": top_k(chance),
        "seed": cfg.SEED,
        "seconds": seconds,
        "peak_memory_gb": peak_memory_gb(),
    }


def _report(
    cfg: CfgNode,
    contenders: dict[str, Contender],
    chance: dict[int, float],
    gallery: VideoIndex,
    query: VideoIndex,
) -> Report:
    labelled = {LABELS[name]: contender for name, contender in contenders.items()}
    accuracy = {label: contender.retrieved.accuracy[JOINT] for label, contender in labelled.items()}
    chance = {k: chance[k] for k in PAPER_KS}
    return Report(
        title="IIC on moving shapes",
        summary=(
            f"A small {cfg.MODEL.BACKBONE.upper()} was pre-trained for {cfg.OPTIM.EPOCHS} epochs on {len(gallery)} "
            f"rendered videos, without labels. Asked with {len(query)} videos that it has never seen, what it finds "
            f"first shows the same one of {len(MOTIONS)} motions in {100 * accuracy['IIC'][1]:.1f} % of cases; without "
            f"training, in {100 * accuracy['Untrained'][1]:.1f} %. Shape, texture, colours, background, speed and size "
            "say nothing about the motion."
        ),
        sections=[
            top_k_tiles(accuracy, chance),
            TopK(accuracy, chance),
            Curves(by_title({label: contender.curves for label, contender in labelled.items()})),
            Gallery(
                gallery_rows(
                    {label: contender.retrieved.query[JOINT] for label, contender in labelled.items()},
                    {label: contender.retrieved.gallery[JOINT] for label, contender in labelled.items()},
                    query_clip=lambda row: shown_clip(query[row].path),
                    gallery_clip=lambda row: shown_clip(gallery[row].path),
                    class_names=query.class_names,
                ),
                "The first held-out video of six evenly spaced motions, whatever was found for it.",
            ),
            feature_map_section(
                contenders["iic"].retrieved.query[JOINT], lambda row: shown_clip(query[row].path), "pca"
            ),
        ],
        config_text=cfg.dump(),
        versions=versions(),
        command=command_line(),
    )
