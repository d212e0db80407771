"""What ``iic pretrain`` and ``iic retrieve`` do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fvcore.common.config import CfgNode
from lightning.pytorch import seed_everything
from torch import nn

from iic_ptv.config import load_config
from iic_ptv.data.bad_videos import BadVideoLog
from iic_ptv.data.flow.computed import METHODS
from iic_ptv.errors import InputError, RunInterrupted
from iic_ptv.registry import load_plugins
from iic_ptv.runs.build import build_bad_video_log, build_networks, known_bad_videos, without
from iic_ptv.runs.checkpoint import LAST, Checkpoint, load_networks, read_checkpoint
from iic_ptv.runs.folder import create_run_folder, describe_run, is_further_process, joint_run_folder, write_json
from iic_ptv.runs.pretrain import LEFT_OUT, pretrain, run_name
from iic_ptv.runs.retrieve import evaluation_indices, retrieve, top_k
from iic_ptv.runs.terminal import accuracy_table, console, say

# What may change when a run is resumed: where it runs, not what it computes.
CHANGEABLE = (
    *("DATA.ROOT", "DATA.ANNOTATIONS", "DATA.FLOW", "DATA.DECODER", "DATA.TIME_LIMIT", "DATA.MAX_BAD_SHARE"),
    *("DATA.NUM_WORKERS", "DATA.START_METHOD", "TRAINER."),
)
EXTENDABLE_SCHEDULES = ("multistep", "constant")  # the others are made for a number of epochs


def pretrain_command(config: str | None, data: str | None, overrides: Sequence[str], resume: str | None) -> None:
    """Pre-train in a new run folder, or go on in an old one."""
    overrides = _with_root(data, overrides)
    if resume is not None:
        _resume(resume, config, overrides)
        return
    cfg = load_config(config, overrides)
    _make_paths_absolute(cfg)
    with joint_run_folder(cfg.OUTPUT, "pretrain", run_name(cfg)) as folder:
        _pretrain(cfg, folder, None)


def _make_paths_absolute(cfg: CfgNode) -> None:
    """Let the checkpoint find the data from any folder."""
    for key in ("ROOT", "ANNOTATIONS", "MANIFEST", "CLASS_INDEX", "FLOW"):
        if Path(cfg.DATA[key]).exists() and cfg.DATA[key] not in ("", *METHODS):
            cfg.DATA[key] = str(Path(cfg.DATA[key]).absolute())
    cfg.DATA.LISTS = [str(Path(name).absolute()) if Path(name).exists() else name for name in cfg.DATA.LISTS]


def _resume(resume: str, config: str | None, overrides: Sequence[str]) -> None:
    """Go on with the configuration in the checkpoint, in its run folder."""
    if config is not None:
        raise InputError(
            "--resume goes on with the run's own configuration: leave --config out, or change single keys."
        )
    checkpoint = read_checkpoint(resume)
    cfg = load_config(None, overrides, base=checkpoint.config)
    changeable = [*CHANGEABLE, *(["OPTIM.EPOCHS"] if cfg.OPTIM.SCHEDULE in EXTENDABLE_SCHEDULES else [])]
    for key in overrides[::2]:
        if not key.startswith(tuple(changeable)):
            raise InputError(
                f"--resume: {key} cannot change within a run, only {', '.join(changeable)} can; "
                "begin a new run to change the rest."
            )
    folder = checkpoint.path.parents[1] if checkpoint.path.match(str(LAST)) else checkpoint.path.parent
    _pretrain(cfg, folder, checkpoint)


def _pretrain(cfg: CfgNode, folder: Path, checkpoint: Checkpoint | None) -> None:
    console.quiet = is_further_process()
    say(f"run folder: {folder}")
    try:
        result = pretrain(cfg, folder, checkpoint)
    except RunInterrupted:
        say(f"stopped; go on with: iic pretrain --resume {folder}")
        raise
    _say_left_out(folder)
    _say_bad_videos(build_bad_video_log(cfg, folder, result.metrics["videos"]))
    rate, seconds = result.metrics["clips_per_second"], result.metrics["seconds"]
    say(f"{result.metrics['epochs']} epochs in {seconds:.0f} s, {rate:.0f} clips/s; next, for example:")
    say(f"  iic retrieve --checkpoint {folder} --query TEST_LIST_OR_FOLDER")


def retrieve_command(
    checkpoint: str | None,
    config: str | None,
    data: str | None,
    query: Sequence[str] | None,
    gallery: Sequence[str] | None,
    overrides: Sequence[str],
) -> None:
    """Score retrieval with a checkpoint's network, or with an untrained one, in a run folder of its own."""
    loaded = read_checkpoint(checkpoint) if checkpoint else None
    cfg = load_config(config, _with_root(data, overrides), base=loaded.config if loaded else None)
    if query:
        cfg.EVAL.QUERY = list(query)
    if gallery:
        cfg.EVAL.GALLERY = list(gallery)
    load_plugins(cfg.PLUGINS)
    gallery_index, query_index = evaluation_indices(cfg)
    bad_gallery, bad_query = known_bad_videos(cfg, gallery_index), known_bad_videos(cfg, query_index)
    gallery_index, query_index = without(gallery_index, bad_gallery), without(query_index, bad_query)
    seed_everything(cfg.SEED, workers=True, verbose=False)  # before the networks, as in pre-training
    networks = nn.ModuleList(build_networks(cfg))
    if loaded:
        load_networks(networks, loaded)

    folder = create_run_folder(cfg.OUTPUT, "retrieve", f"{run_name(cfg)}{'' if loaded else '-untrained'}")
    describe_run(folder, cfg.dump())
    BadVideoLog(folder / LEFT_OUT).add({**bad_gallery, **bad_query})
    bad_videos = build_bad_video_log(cfg, folder, len(gallery_index) + len(query_index))
    result = retrieve(cfg, networks, gallery_index, query_index, bad_videos)
    write_json(
        folder / "metrics.json",
        {
            "checkpoint": str(loaded.path) if loaded else None,
            "gallery_videos": len(gallery_index),
            "query_videos": len(query_index),
            "chance": top_k(result.chance),
            **result.metrics(),
        },
    )
    console.print(accuracy_table(result.accuracy, result.chance))
    _say_left_out(folder)
    _say_bad_videos(bad_videos)
    say(f"written to {folder / 'metrics.json'}")


def _with_root(data: str | None, overrides: Sequence[str]) -> list[str]:
    """The overrides, with ``--data FOLDER`` as the first of them."""
    return [*(["DATA.ROOT", data] if data else []), *overrides]


def _say_left_out(folder: Path) -> None:
    if number := len(BadVideoLog(folder / LEFT_OUT).read()):
        are = "video that a check found unreadable is" if number == 1 else "videos that a check found unreadable are"
        say(f"{number} {are} left out (see {folder / LEFT_OUT})", style="yellow")


def _say_bad_videos(bad_videos: BadVideoLog) -> None:
    if bad_videos.read():
        say(bad_videos.summary(), style="yellow")
