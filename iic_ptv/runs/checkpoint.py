"""Reading checkpoints: which network is in a file, and does it fit the one at hand."""

from __future__ import annotations

import argparse
import logging
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode
from torch import Tensor, nn

from iic_ptv.config import default_config, parse_config
from iic_ptv.errors import InputError
from iic_ptv.models.fingerprint import fingerprint_of_state
from iic_ptv.registry import INTRA_NEGATIVES
from iic_ptv.tasks.bank_files import BANKS, REPLICATED, SavedBanks
from iic_ptv.tasks.world_change import WORLD, translated_steps
from iic_ptv.zoo.authors import from_authors, is_authors, model_state
from iic_ptv.zoo.foreign import source_of
from iic_ptv.zoo.loading import differences, in_words, without_classifier
from iic_ptv.zoo.paths import local_path, scheme_of
from iic_ptv.zoo.safe_load import load_safely
from iic_ptv.zoo.weights_file import (
    CLASSIFIER,
    Weights,
    WeightsFile,
    check_hash_in_name,
    is_weights,
    read_safetensors,
    weights_of,
)

logger = logging.getLogger(__name__)

LAST = Path("checkpoints") / "last.ckpt"
PREVIOUS = Path("checkpoints") / "previous.ckpt"  # the last one before the last
BEST = Path("checkpoints") / "best.ckpt"
BANK_FILES = Path("checkpoints") / "banks"  # files of sharded memory banks
DAMAGED = Path("checkpoints") / "damaged.ckpt"  # where a last one goes that turned out to be damaged
# What writes checkpoints; files of weights that are published, or made by `iic convert`, are the zoo's.
PRETRAIN, FINETUNE, AUTHORS, ZOO = "iic pretrain", "iic finetune", "the authors of IIC", "the zoo"
# What the authors call the second view.
SECOND_VIEWS = {"rgb": "rgb", "res": "residual", "u": "flow_u", "v": "flow_v"}
CONFIG_KEY, CLASSES_KEY = "iic_config", "class_names"  # entries of our checkpoints beside Lightning's


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint of a run of ours, a file of published weights, or one of the authors.

    Attributes:
        path: the file.
        writer: what wrote it: ``iic pretrain``, ``iic finetune``, the authors or the zoo.
        config: the configuration of the run that wrote it; of files that have none, what is known of it.
        networks: the states of its backbones: one, or one for each view. That of a fine-tuned one has a classifier.
        class_names: what the classifier tells apart, in the order of its outputs; none if that is not known.
        state_dict: the state of the whole task, with memory banks that are not sharded; empty in files of the authors
            and the zoo.
        epoch: epochs completed, or begun where it was saved within one.
        step: optimiser steps made.
        steps_per_epoch: of all, those of an epoch, which depends on the number of processes; 0 if that is not known.
        sharded_banks: which memory banks lie beside it; None if they are in the state, or there are none.
    """

    path: Path
    writer: str
    config: CfgNode
    networks: list[Weights]
    class_names: tuple[str, ...] = ()
    state_dict: dict[str, Any] = field(default_factory=dict)
    epoch: int = 0
    step: int = 0
    steps_per_epoch: int = 0
    sharded_banks: SavedBanks | None = None

    @property
    def bank_shape(self) -> tuple[int, ...] | None:
        """``(num_banks, N, D)`` of its memory banks, wherever they lie; None without."""
        if self.sharded_banks is not None:
            return self.sharded_banks.shape
        banks = self.state_dict.get(REPLICATED)
        return tuple(banks.shape) if isinstance(banks, Tensor) else None

    @property
    def run_folder(self) -> Path:
        """The folder of the run that wrote it."""
        named = any(self.path.match(str(name)) for name in (LAST, PREVIOUS, BEST))
        return self.path.parents[1] if named else self.path.parent

    def steps_of(self, steps_per_epoch: int) -> int:
        """Optimiser steps made, counted as if an epoch had always had so many."""
        return translated_steps(self.step, self.steps_per_epoch or steps_per_epoch, steps_per_epoch)

    @property
    def num_classes(self) -> int:
        """Outputs of the classifier, 0 without one."""
        bias = self.networks[0].get(f"{CLASSIFIER}bias")
        return 0 if bias is None else len(bias)

    @property
    def fingerprint(self) -> str:
        """That of its backbones, without a classifier, in a list; evaluations of them note it."""
        return networks_fingerprint(self.networks)


def networks_fingerprint(networks: Sequence[Weights]) -> str:
    """The fingerprint of a list of backbones, of their states; classifiers do not count."""
    return fingerprint_of_state(
        {f"{i}.{name}": value for i, each in enumerate(networks) for name, value in without_classifier(each).items()}
    )


def find_checkpoint(path: str | Path, to_resume: bool = False) -> Path:
    """The checkpoint that ``path`` means: the file itself, or the best, else the last, of a run folder.

    Args:
        path: the file or the run folder, or what else :func:`~iic_ptv.zoo.paths.local_path` knows: ``iic://NAME`` of
            the zoo, ``https://...``.
        to_resume: always the last of a run folder.

    Raises:
        InputError: there is none, or it cannot be had.
    """
    if to_resume and scheme_of(path):
        raise InputError(
            f"{path}: a run goes on in its folder, so name that; to begin another one with these weights, there is "
            "`iic finetune --checkpoint`."
        )
    path = local_path(path)
    if not path.is_dir():
        if not path.is_file():
            raise InputError(
                f"{path}: there is no such checkpoint; name a run folder, a checkpoint file, or one of the zoo as "
                "iic://NAME."
            )
        return path
    for name in (LAST, PREVIOUS) if to_resume else (BEST, LAST):
        if (path / name).is_file():
            return path / name
    raise InputError(f"{path}: this folder has no {LAST}; name a run folder or a checkpoint file.")


def read_checkpoint(path: str | Path, to_resume: bool = False) -> Checkpoint:
    """Read a checkpoint of ``iic pretrain`` or ``iic finetune``, published weights, or a file of the authors.

    Code in it is never run.

    Args:
        path: as for :func:`find_checkpoint`.
        to_resume: likewise; where the last one of a run is damaged, the one before it, which is said.

    Raises:
        InputError: no such file, not a checkpoint, damaged, or written by something else.
    """
    path = find_checkpoint(path, to_resume)
    previous = path.with_name(PREVIOUS.name)
    if not (to_resume and path.match(str(LAST)) and previous.is_file()):
        return checkpoint_from(path, load_content(path))
    try:
        _check_whole(path)
        checkpoint = checkpoint_from(path, load_content(path))
        _check_banks(checkpoint)
        return checkpoint
    except InputError as error:
        checkpoint = checkpoint_from(previous, load_content(previous))
        logger.warning("%s The run goes on from the one before, %s, of step %d.", error, previous, checkpoint.step)
        return checkpoint


def _check_banks(checkpoint: Checkpoint) -> None:
    """Look for the files of sharded banks; what is in them, each process checks when it reads its rows.

    Raises:
        InputError: one is missing.
    """
    if (banks := checkpoint.sharded_banks) is None:
        return
    folder = checkpoint.run_folder / BANK_FILES / banks.folder
    for rank in range(banks.world_size):
        if not (folder / banks.file_of(rank)).is_file():
            raise InputError(f"{folder / banks.file_of(rank)}: this part of the memory banks is missing.")


def _check_whole(path: Path) -> None:
    """Look at every byte of a checkpoint: PyTorch, for speed, does not compare what it reads with the sums in the file.

    Raises:
        InputError: something in it is not as it was written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: it is damaged ({error}).") from error
    if damaged is not None:
        raise InputError(f"{path}: it is damaged (in {damaged}).")


def load_content(path: Path) -> Any:
    """What is in a file, which may hold tensors, plain values and the authors' options, but nothing that runs.

    Raises:
        InputError: it would run code, is damaged, or of another kind.
    """
    return read_safetensors(path) if path.suffix == ".safetensors" else load_safely(path)


def is_ours(content: Any) -> bool:
    """Whether the content of a file is that of a checkpoint of a run of ours."""
    kinds = {CONFIG_KEY: str, "state_dict": dict, "epoch": int, "global_step": int}
    return isinstance(content, dict) and all(isinstance(content.get(name), kind) for name, kind in kinds.items())


def checkpoint_from(path: Path, content: Any) -> Checkpoint:
    """The checkpoint that the content of a file is.

    Raises:
        InputError: it is none.
    """
    if is_weights(content):
        check_hash_in_name(path)
        return _published(path, weights_of(path, content))
    if is_ours(content):
        return _ours(path, content)
    state = model_state(content)
    if state is not None and is_authors(state):
        return _authors(path, content, state)
    if state is not None and (source := source_of(state)):
        raise InputError(
            f"{path}: these are weights of {source}; `iic convert {path}` makes a file of them that this command takes."
        )
    raise InputError(
        f"{path}: not a checkpoint of `iic pretrain` or `iic finetune`, as it holds no configuration or no weights, "
        "nor one of R3D, R(2+1)D or C3D by the authors of IIC."
    )


def load_networks(networks: nn.ModuleList, checkpoint: Checkpoint) -> None:
    """Copy a checkpoint's backbones into ``networks``; what else it holds (banks, heads, classifiers) is not asked for.

    Raises:
        InputError: the checkpoint is of another architecture; the message names what differs.
    """
    if len(networks) != len(checkpoint.networks):
        raise InputError(
            f"{checkpoint.path}: it has {len(checkpoint.networks)} networks, one for each view if several, and "
            f"{len(networks)} are asked for; leave MODEL.PER_VIEW and VIEWS as they were."
        )
    for number, network in enumerate(networks):
        load_backbone(network, checkpoint, number)


def load_backbone(network: nn.Module, checkpoint: Checkpoint, number: int = 0) -> None:
    """Copy one of a checkpoint's backbones into ``network``; a classifier of ``network`` stays as it is.

    Raises:
        InputError: as :func:`load_networks`.
    """
    state = network.state_dict()
    given = without_classifier(checkpoint.networks[number])
    _check_fits(without_classifier(state), given, checkpoint)
    network.load_state_dict({**state, **given})


def load_classifier(network: nn.Module, checkpoint: Checkpoint) -> None:
    """Copy a checkpoint's fine-tuned network, classifier and all, into ``network``.

    Raises:
        InputError: as :func:`load_networks`.
    """
    _check_fits(network.state_dict(), checkpoint.networks[0], checkpoint)
    network.load_state_dict(checkpoint.networks[0])


def _check_fits(expected: Mapping[str, Tensor], given: Mapping[str, Tensor], checkpoint: Checkpoint) -> None:
    if found := differences(expected, given):
        raise InputError(
            f"{checkpoint.path}: its network is another one: {in_words(found)}. "
            f"The run was of MODEL.BACKBONE {checkpoint.config.MODEL.BACKBONE} with MODEL.OPTIONS "
            f"{dict(checkpoint.config.MODEL.OPTIONS)}; leave these as they were."
        )


def _ours(path: Path, content: dict[str, Any]) -> Checkpoint:
    state = content["state_dict"]
    finetuned = CLASSES_KEY in content
    prefixes = ["model."] if finetuned else _numbered(state)
    if not prefixes:
        raise InputError(f"{path}: a checkpoint without a network; it is damaged.")
    return Checkpoint(
        path,
        FINETUNE if finetuned else PRETRAIN,
        parse_config(content[CONFIG_KEY], str(path)),
        [_below(prefix, state) for prefix in prefixes],
        tuple(content.get(CLASSES_KEY, ())),
        state,
        content["epoch"],
        content["global_step"],
        _steps_per_epoch(content.get(WORLD, {})),
        SavedBanks(**content[BANKS]) if BANKS in content else None,
    )


def _steps_per_epoch(world: Mapping[str, int]) -> int:
    """Optimiser steps of an epoch; in checkpoints from before there was OPTIM.ACCUMULATE, a batch was a step."""
    return world.get("steps_per_epoch", world.get("batches_per_epoch", 0))


def _numbered(state: Mapping[str, Any]) -> list[str]:
    """The prefixes of the backbones of a pre-training."""
    numbers = {int(found[1]) for name in state if (found := re.match(r"networks\.(\d+)\.", name))}
    return [f"networks.{number}." for number in sorted(numbers)]


def _below(prefix: str, state: Mapping[str, Any]) -> Weights:
    return {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix) and isinstance(value, Tensor)
    }


def _authors(path: Path, content: Any, state: Weights) -> Checkpoint:
    """A file of the authors, with what is known of how it was trained."""
    try:
        network = from_authors(state)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    config = default_config()
    config.MODEL.BACKBONE = network.backbone
    config.MODEL.OPTIONS.update(network.options)
    options = content.get("opt")
    if network.projector:  # IICv2
        config.DATA.AUGMENTATION, config.DATA.CLIPS_PER_VIDEO = "strong", 2
        config.VIEWS = ["residual_unscaled", "residual_unscaled"]
    elif f"{CLASSIFIER}weight" in network.weights:
        config.VIEWS = ["residual_unscaled"]
    elif isinstance(options, argparse.Namespace):
        config.VIEWS[1] = SECOND_VIEWS.get(str(getattr(options, "modality", "")), config.VIEWS[1])
        if (intra_negative := str(getattr(options, "neg", ""))) in INTRA_NEGATIVES:
            config.INTRA_NEGATIVE = intra_negative
    epoch = content.get("epoch")
    return Checkpoint(path, AUTHORS, config, [network.weights], epoch=epoch if isinstance(epoch, int) else 0)


def _published(path: Path, weights: WeightsFile) -> Checkpoint:
    """A file of weights; what it says of its network counts for more than the configuration beside it."""
    network, clip = weights.network, weights.network.clip
    config = parse_config(weights.config, str(path)) if weights.config else default_config()
    config.MODEL.BACKBONE, config.MODEL.PER_VIEW = network.architecture, network.num_networks > 1
    config.MODEL.OPTIONS = CfgNode(network.options, new_allowed=True)
    config.VIEWS = list(network.views)
    config.DATA.CLIP_LENGTH, config.DATA.STRIDE, config.DATA.FRAME_RATE = clip.length, clip.stride, clip.frame_rate
    config.DATA.FRAME_SIZE, config.DATA.CROP = list(clip.frame_size), clip.crop
    config.DATA.AUGMENTATION = "strong" if clip.normalized else "crop"
    return Checkpoint(path, ZOO, config, list(weights.networks), network.class_names)
