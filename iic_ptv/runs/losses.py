"""The loss from a configuration: with the options that it knows, and an error where others are set."""

from __future__ import annotations

import inspect
from typing import Any

from fvcore.common.config import CfgNode
from torch import nn

from iic_ptv.config import default_config
from iic_ptv.errors import InputError
from iic_ptv.registry import LOSSES

NO_OPTIONS = ("NAME", "FILL_BANKS")  # of the group LOSS: which loss it is, and what is done with it


def build_loss(cfg: CfgNode, num_videos: int, feature_dim: int, intra_negatives: int) -> nn.Module:
    """The loss that ``LOSS`` describes.

    Each option of the group is the argument of that name of the loss's factory, in lower case.

    Args:
        cfg: the configuration.
        num_videos: rows of its memory banks, if it has any.
        feature_dim: D of the features.
        intra_negatives: how many kinds there are.

    Raises:
        InputError: there is no such loss, it does not know an option that is not at its default, or refuses its value.
    """
    check_loss(cfg)
    factory = LOSSES.get(cfg.LOSS.NAME)
    given = {name: cfg.LOSS[key] for name, key in _options(cfg).items() if _knows(factory, name)}
    if _knows(factory, "seed"):
        given["seed"] = cfg.SEED
    loss: nn.Module = factory(
        num_videos, feature_dim, num_views=len(cfg.VIEWS), intra_negatives=intra_negatives, **given
    )
    if not hasattr(loss, "fill"):
        _check_default(cfg, "LOSS", "FILL_BANKS")
    if not takes_keys(loss):
        _check_default(cfg, "MODEL", "KEY_MOMENTUM")
    return loss


def check_loss(cfg: CfgNode) -> None:
    """Make sure, without building it, that there is the loss that a configuration names, and that it has its options.

    Raises:
        InputError: there is none, or it does not know an option that is not at its default.
    """
    factory = LOSSES.get(cfg.LOSS.NAME)
    for name, key in _options(cfg).items():
        if not _knows(factory, name):
            _check_default(cfg, "LOSS", key)


def takes_keys(loss: nn.Module) -> bool:
    """Whether a loss contrasts with keys of a momentum encoder."""
    return bool(getattr(loss, "takes_keys", False))


def _options(cfg: CfgNode) -> dict[str, str]:
    """The keys of ``LOSS`` by the names of the arguments that they are."""
    return {key.lower(): key for key in cfg.LOSS if key not in NO_OPTIONS}


def _knows(factory: Any, name: str) -> bool:
    """Whether a factory takes an argument of this name."""
    parameters = inspect.signature(factory).parameters
    return name in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def _check_default(cfg: CfgNode, group: str, key: str) -> None:
    default = default_config()[group][key]
    if cfg[group][key] != default:
        raise InputError(f"{group}.{key}: LOSS.NAME {cfg.LOSS.NAME} has no use for it; leave it at {default!r}.")
