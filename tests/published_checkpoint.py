"""A zoo with one published checkpoint and all its files, laid out as ours is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from iic_ptv.config import load_config
from iic_ptv.registry import BACKBONES
from iic_ptv.zoo.catalogue import RECORDS, WEIGHTS, record_text
from iic_ptv.zoo.description import ClipFormat, NetworkDescription
from iic_ptv.zoo.record import Pretraining, PublishedFile, Record
from iic_ptv.zoo.weights_file import WeightsFile, sha256_of, write_weights

NAME = "r3d.small"
OPTIONS = {"width": 0.0625}


def publish_checkpoint(folder: Path) -> Record:
    """Write ``records/`` and ``weights/`` below ``folder``, with both formats of the weights."""
    torch.manual_seed(0)
    config = load_config(None, ["MODEL.OPTIONS", str(OPTIONS), "SEED", "11"]).dump()
    network = NetworkDescription("r3d", OPTIONS, ("rgb", "residual"), ClipFormat(4, 1, (16, 20), 16))
    weights = WeightsFile(network, (BACKBONES.get("r3d")(**OPTIONS).state_dict(),), config)
    paths = [write_weights(folder / WEIGHTS, NAME, weights, suffix) for suffix in (".pth", ".safetensors")]
    record = Record(
        name=NAME,
        title="A small network",
        network=network,
        pretraining=Pretraining("IIC", "repeat", "nothing", "none", 0, 0),
        parameters=0,
        gflops=0.0,
        licence="Apache-2.0",
        files=tuple(PublishedFile(path.name, path.stat().st_size, sha256_of(path), "float32") for path in paths),
        config=f"{NAME}.yaml",
        log=f"{NAME}.csv",
    )
    (folder / RECORDS).mkdir(parents=True)
    (folder / RECORDS / record.config).write_text(config)
    (folder / RECORDS / record.log).write_text("step,loss\n1,4.5\n")
    (folder / RECORDS / f"{NAME}.json").write_text(record_text(record))
    return record


def with_urls(record: Record, address: str) -> Record:
    """The same, with files that can be had below an address."""
    return replace(record, files=tuple(replace(each, url=f"{address}/{each.file}") for each in record.files))
