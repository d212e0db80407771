"""The files of a checkpoint of the zoo, on this machine and checked."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from iic_ptv.errors import InputError
from iic_ptv.zoo.catalogue import WEIGHTS, catalogue_folder
from iic_ptv.zoo.download import cannot_write, download, has_hash
from iic_ptv.zoo.record import PublishedFile, Record
from iic_ptv.zoo.weights_file import hash_in_name, read_weights, sha256_of, write_weights

logger = logging.getLogger(__name__)


def weights_folder() -> Path:
    """Where files of weights are kept: torch.hub's folder, which ``TORCH_HOME`` and ``torch.hub.set_dir()`` name."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def shipped_path(published: PublishedFile, zoo: Path | None = None) -> Path:
    """Where a file is if it comes with the package, or with another ``model_zoo``."""
    return (zoo or catalogue_folder()) / WEIGHTS / published.file


def cached_path(published: PublishedFile) -> Path:
    """Where a file is once it was downloaded or converted."""
    return weights_folder() / published.file


def fetch(record: Record, suffix: str = ".pth", progress: bool = True) -> Path:
    """A file of a checkpoint: the one that comes with the package, else the one in the cache, else downloaded there.

    Its hash is checked every time. One that can be had nowhere is made of the checkpoint's other file, if that is here.

    Args:
        record: the checkpoint.
        suffix: ``.pth`` or ``.safetensors``.
        progress: whether to show a bar while it is downloaded.

    Returns:
        The path of the file, which is not to be changed.

    Raises:
        InputError: it cannot be had, or not written to the cache.

    Example:
        >>> read_weights(fetch(find_record("r3d.iic-repeat")))  # doctest: +SKIP
    """
    published = _published(record, suffix)
    if (found := _at_hand(published)) is not None:
        return found
    if (shipped := shipped_path(published)).is_file():
        logger.warning("%s is damaged, as its SHA-256 is not %s; another is looked for.", shipped, published.sha256)
    if published.url:
        return download(published.url, cached_path(published), published.sha256, progress)
    for other in record.files:
        if other.dtype == published.dtype and (source := _at_hand(other)) is not None:
            return _converted(source, published, suffix)
    raise InputError(
        f"{record.name}: its file {published.file} comes with the package, and {shipped} is "
        f"{'damaged' if shipped.is_file() else 'not there'}; install the package again, or bring the file to "
        f"{cached_path(published)}, with the SHA-256 {published.sha256}."
    )


def _published(record: Record, suffix: str) -> PublishedFile:
    for published in record.files:
        if published.file.endswith(suffix):
            return published
    if record.files:
        raise InputError(
            f"{record.name}: it has no {suffix} file, only {', '.join(file.file for file in record.files)}."
        )
    raise InputError(
        f"{record.name}: its weights are not ours to publish. Download them from {record.published}, then convert "
        f"them: {record.how_to_convert}"
    )


def _at_hand(published: PublishedFile) -> Path | None:
    """The file as it should be, if it is on this machine."""
    for path in (shipped_path(published), cached_path(published)):
        try:
            if has_hash(path, published.sha256):
                return path
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    return None


def _converted(source: Path, published: PublishedFile, suffix: str) -> Path:
    """The file of the other format, made of one that is here."""
    name = published.file.removesuffix(f"-{hash_in_name(published.file)}{suffix}")
    try:
        path = write_weights(weights_folder(), name, read_weights(source), suffix)
    except OSError as error:
        raise cannot_write(cached_path(published), error) from error
    if (found := sha256_of(path)) != published.sha256:
        path.unlink()
        raise InputError(
            f"{published.file}: made of {source}, its SHA-256 is {found} instead of {published.sha256}, as this "
            f"version of {'PyTorch' if suffix == '.pth' else 'safetensors'} writes it otherwise; take {source} itself."
        )
    return path
