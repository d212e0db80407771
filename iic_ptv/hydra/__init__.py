"""Pre-training with Hydra: configurations in the manner of PyTorchVideo's trainer.

Importing this module stores the schema ``schema/module/iic_module_conf``; the configurations lie in ``conf``. Arguments
and groups are called as in ``pytorchvideo_trainer``. Needs ``pip install "iic-ptv[hydra]"``.

Example:
    >>> import hydra, iic_ptv.hydra
    >>> with hydra.initialize_config_module("iic_ptv.hydra.conf", version_base=None):
    ...     cfg = hydra.compose("iic", overrides=["module.loss.num_videos=9537"])
    >>> task = hydra.utils.instantiate(cfg.module)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from iic_ptv.errors import InputError

try:
    from hydra.core.config_store import ConfigStore
    from omegaconf import MISSING
except ImportError as error:
    raise InputError('iic_ptv.hydra: Hydra is not installed; pip install "iic-ptv[hydra]".') from error


@dataclass
class IICModuleConf:
    """Arguments of :class:`~iic_ptv.tasks.iic.IICTask`, each a configuration of what it is to be made of."""

    _target_: str = "iic_ptv.tasks.iic.IICTask"
    _convert_: str = "all"
    model: Any = MISSING
    loss: Any = MISSING
    optim: Any = MISSING
    lr_scheduler: Any = None
    views: Any = None
    intra_negative: Any = None
    head: Any = None
    modality_key: str = "video"
    knn_memory: Any = None
    metrics: Any = None
    seed: int = 0


def register() -> None:
    """Store the schema under the name that defaults lists know it by."""
    ConfigStore.instance().store(group="schema/module", name="iic_module_conf", node=IICModuleConf, package="module")


register()
