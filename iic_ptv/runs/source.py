"""What is in a file of weights, whoever wrote it: the network, how it came about, and what else lies beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvcore.common.config import CfgNode

from iic_ptv.config import default_config
from iic_ptv.errors import InputError
from iic_ptv.runs.checkpoint import (
    AUTHORS,
    CLASSES_KEY,
    CONFIG_KEY,
    FINETUNE,
    ZOO,
    Checkpoint,
    checkpoint_from,
    find_checkpoint,
    is_ours,
    load_content,
)
from iic_ptv.runs.intra_negatives import NO_INTRA_NEGATIVE
from iic_ptv.zoo.authors import PROJECTOR, Weights, model_state
from iic_ptv.zoo.catalogue import read_record, records
from iic_ptv.zoo.foreign import TRAINER, from_foreign, source_of
from iic_ptv.zoo.record import Pretraining, Record
from iic_ptv.zoo.weights_file import WeightsFile, is_weights, name_without_hash, weights_of

STATES = ("model", "state_dict")  # entries of a file that hold the network
AUTHORS_ENTRIES = ("opt", "contrast", "optimizer", "epoch")
LIGHTNING_ENTRIES = (
    *("epoch", "global_step", "pytorch-lightning_version", "loops", "callbacks", "optimizer_states", "lr_schedulers"),
    *("hparams_name", "hparams_type", "hyper_parameters", "native_amp_scaling_state", "MixedPrecisionPlugin"),
    *("MixedPrecision", "datamodule_hparams_name", "datamodule_hparams_type", "datamodule_hyper_parameters"),
)
UNKNOWN = ""  # in a record
NOTHING_KNOWN = Pretraining(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0, 0)


@dataclass(frozen=True, eq=False)
class Source:
    """What was found in a file.

    Attributes:
        checkpoint: the network, under our names.
        left_out: what else the file holds, in words.
        pretraining: how the weights came about, as far as the file tells; 0 epochs or videos: it does not.
        note: what one should know of the input of the network.
        file: what a file of the zoo holds.
        record: the record that lists it.
    """

    checkpoint: Checkpoint
    left_out: tuple[str, ...]
    pretraining: Pretraining
    note: str = ""
    file: WeightsFile | None = None
    record: Record | None = None


def read_source(file: str | Path, architecture: str | None = None) -> Source:
    """Read a file of the authors, of torchvision, of PyTorchVideo's trainer, or of ours; code in it is never run.

    Args:
        file: the file, or the folder of a run of ours.
        architecture: the network that it must be of; None: any.

    Raises:
        InputError: there is no such file, it is of none of these, or holds what is not known.
    """
    path = find_checkpoint(file)
    content = load_content(path)
    state = None if is_weights(content) or is_ours(content) else model_state(content)
    if state is not None and source_of(state):
        return _foreign(path, content, state, architecture)
    checkpoint = checkpoint_from(path, content)
    found = checkpoint.config.MODEL.BACKBONE
    if architecture not in (None, found):
        raise InputError(f"--architecture: {path} is of {found}, not of {architecture}.")
    if checkpoint.writer == ZOO:
        record = _record_of(path)
        pretraining = record.pretraining if record else NOTHING_KNOWN
        return Source(checkpoint, (), pretraining, file=weights_of(path, content), record=record)
    if checkpoint.writer == AUTHORS:
        beside = _beside(path, content, AUTHORS_ENTRIES)
        projector = [name for name in state or () if name.startswith(PROJECTOR)]
        return Source(checkpoint, (*beside, *_grouped(projector)), _of_authors(checkpoint, content))
    rest = (name for name in checkpoint.state_dict if not name.startswith(("networks.", "model.")))
    beside = tuple(name for name in content if name not in (*STATES, CONFIG_KEY, CLASSES_KEY))
    return Source(checkpoint, (*beside, *_grouped(rest)), _of_run(checkpoint))


def _foreign(path: Path, content: Any, state: Weights, architecture: str | None) -> Source:
    beside = _beside(path, content, LIGHTNING_ENTRIES)
    try:
        network = from_foreign(state, architecture)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    config = default_config()
    config.MODEL.BACKBONE, config.MODEL.OPTIONS = network.backbone, CfgNode(network.options, new_allowed=True)
    config.VIEWS, config.INTRA_NEGATIVE, config.DATA.AUGMENTATION = ["rgb"], NO_INTRA_NEGATIVE, "strong"
    config.DATA.CLIP_LENGTH, config.DATA.STRIDE = network.clip.length, network.clip.stride
    config.DATA.FRAME_SIZE, config.DATA.CROP = list(network.clip.frame_size), network.clip.crop
    config.DATA.FRAME_RATE = network.clip.frame_rate
    epoch = content.get("epoch", 0)
    checkpoint = Checkpoint(
        path, network.source, config, [network.weights], epoch=epoch if isinstance(epoch, int) else 0
    )
    method = _method_of_trainer(state) if network.source == TRAINER else UNKNOWN
    pretraining = Pretraining(method, NO_INTRA_NEGATIVE, UNKNOWN, UNKNOWN, 0, checkpoint.epoch)
    return Source(checkpoint, (*beside, *_grouped(network.left_out)), pretraining, network.note)


def _record_of(path: Path) -> Record | None:
    """The record of a file of the zoo, which lies beside it or in the catalogue."""
    name = name_without_hash(path)
    beside = path.with_name(f"{name}.json")
    record = read_record(beside) if beside.is_file() else records().get(name)
    return record if record and path.name in (file.file for file in record.files) else None


def _beside(path: Path, content: Any, known: tuple[str, ...]) -> tuple[str, ...]:
    """The entries of a file beside the network; those that nobody knows are refused, as they may be part of it."""
    if not any(isinstance(content.get(name), dict) for name in STATES):
        return ()
    beside = [str(name) for name in content if name not in STATES]
    if unknown := [name for name in beside if name not in known]:
        raise InputError(
            f"{path}: beside the weights it holds {', '.join(unknown)}, which is not known here. If that is not part "
            "of the network, save what is under 'model' or 'state_dict' alone, and convert that."
        )
    return tuple(beside)


def _grouped(names: Iterable[str]) -> tuple[str, ...]:
    """Entries of a state by the first two parts of their names, with how many they are."""
    groups = Counter(".".join(name.split(".")[:2]) for name in names)
    return tuple(f"{group} ({number} tensors)" if number > 1 else group for group, number in groups.items())


def _of_authors(checkpoint: Checkpoint, content: Any) -> Pretraining:
    banks, options = content.get("contrast"), content.get("opt")
    bank = banks.get("memory_l") if isinstance(banks, dict) else None
    return Pretraining(
        "IIC, fine-tuned" if checkpoint.num_classes else "IIC",
        str(getattr(options, "neg", UNKNOWN)),
        str(getattr(options, "dataset", UNKNOWN)),
        UNKNOWN,
        0 if bank is None else len(bank),
        checkpoint.epoch,
    )


def _of_run(checkpoint: Checkpoint) -> Pretraining:
    """What a checkpoint tells; of a fine-tuned one, not how that began which it started from."""
    cfg, banks = checkpoint.config, checkpoint.bank_shape
    finetuned = checkpoint.writer == FINETUNE
    method = "CMC" if cfg.INTRA_NEGATIVE == NO_INTRA_NEGATIVE else "IIC"
    return Pretraining(
        "fine-tuned" if finetuned else method,
        UNKNOWN if finetuned else cfg.INTRA_NEGATIVE,
        UNKNOWN if cfg.DATA.KIND == "auto" else cfg.DATA.KIND,
        UNKNOWN,
        0 if banks is None else banks[1],
        checkpoint.epoch,
        cfg.SEED,
    )


def _method_of_trainer(state: Weights) -> str:
    if "queue_x" in state:
        return "MoCo v2"
    return "BYOL" if any(name.startswith("model.predictor.") for name in state) else "SimCLR"
