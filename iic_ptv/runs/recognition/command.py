"""What ``iic finetune`` does."""

from __future__ import annotations

from pathlib import Path

from fvcore.common.config import CfgNode

from iic_ptv.distributed import process_group
from iic_ptv.errors import InputError, RunInterrupted
from iic_ptv.runs.build import build_bad_video_log
from iic_ptv.runs.checkpoint import FINETUNE, Checkpoint, read_checkpoint
from iic_ptv.runs.folder import is_further_process, joint_run_folder
from iic_ptv.runs.recognition.config import Request, finetune_config, finetune_name
from iic_ptv.runs.recognition.finetune import finetune, test
from iic_ptv.runs.recognition.results import Recognised, recognition_table
from iic_ptv.runs.resume import resumed
from iic_ptv.runs.terminal import console, counted, say, say_bad_videos


def finetune_command(request: Request) -> Path:
    """Fine-tune and test, go on with a run, or test alone; returns the run folder."""
    if request.resume is not None:
        return _resume(request)
    start = read_checkpoint(request.checkpoint) if request.checkpoint else None
    cfg = finetune_config(request, start)
    if request.test_only:
        return _test(cfg, start)
    with joint_run_folder(cfg.OUTPUT, "finetune", finetune_name(cfg, start)) as folder:
        _finetune(cfg, folder, start, None)
    return folder


def _resume(request: Request) -> Path:
    others = {
        "--checkpoint": request.checkpoint,
        "--config": request.config,
        "--train": request.train,
        "--test": request.test,
        "--test-only": request.test_only,
    }
    if given := [option for option, value in others.items() if value]:
        raise InputError(f"--resume goes on with what the run began with: leave {', '.join(given)} out.")
    overrides = [*(["DATA.ROOT", request.data] if request.data else []), *request.overrides]
    cfg, checkpoint = resumed(str(request.resume), FINETUNE, overrides)
    _finetune(cfg, checkpoint.run_folder, None, checkpoint)
    return checkpoint.run_folder


def _test(cfg: CfgNode, checkpoint: Checkpoint | None) -> Path:
    if checkpoint is None:
        raise InputError("--test-only: name the fine-tuned network to test with --checkpoint.")
    console.quiet = is_further_process()
    with joint_run_folder(cfg.OUTPUT, "finetune", f"{finetune_name(cfg, checkpoint)}-test") as folder, process_group():
        recognised = test(cfg, folder, checkpoint)
    if recognised is not None:
        _say_results(cfg, folder, recognised, len(recognised.videos))
    return folder


def _finetune(cfg: CfgNode, folder: Path, start: Checkpoint | None, resume: Checkpoint | None) -> None:
    console.quiet = is_further_process()
    try:
        result = finetune(cfg, folder, start, resume)
    except (RunInterrupted, KeyboardInterrupt):
        say(f"stopped; go on with: iic finetune --resume {folder}")
        raise
    videos = result.videos
    if videos.unused_classes:
        say(
            f"no training video is of {', '.join(videos.unused_classes[:5])}"
            f"{', ...' if len(videos.unused_classes) > 5 else ''}: the network does not learn "
            f"{'this class' if len(videos.unused_classes) == 1 else f'these {len(videos.unused_classes)} classes'}",
            style="yellow",
        )
    if result.recognised is not None:
        _say_results(cfg, folder, result.recognised, videos.num_videos)


def _say_results(cfg: CfgNode, folder: Path, recognised: Recognised, num_videos: int) -> None:
    say_bad_videos(folder, build_bad_video_log(cfg, folder, num_videos))
    console.print(recognition_table(recognised))
    if best := recognised.training.get("validation"):
        epochs = recognised.training["train"]["epochs"]
        wanted = cfg.RECOGNITION.VALIDATION_VIDEOS
        fewer = f" (at most a fifth; RECOGNITION.VALIDATION_VIDEOS is {wanted:,})" if best["videos"] < wanted else ""
        say(
            f"weights of epoch {best['best_epoch']} of {epochs}, the best on {counted(best['videos'], 'video')} held "
            f"out of the training{fewer}: top-1 {100 * best['top1']:.1f} % there"
        )
    say(f"predictions: {folder / 'predictions.csv'}")
    say(f"report: {folder / 'report.html'}")
