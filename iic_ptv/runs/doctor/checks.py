"""All that `iic doctor` looks at, in the order in which it tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from iic_ptv.runs.doctor import decoders, disk, faults, gpu, packages, processor, slurm, zoo
from iic_ptv.runs.doctor.finding import Check, State

REQUIRED, OPTIONAL = "Required packages", "Optional packages"
DECODERS, COMPUTING, CLUSTER = "Decoders", "Computing", "Cluster"
DISK, ZOO, FAULTS = "Room on disk", "Model zoo", "Known faults of what is installed"


def all_checks() -> Iterator[Check]:
    """The checks, by section."""
    yield Check("This package", "iic_ptv", packages.look_at_this_package)
    yield from _checks_of_packages()
    for decoder in decoders.PURPOSES:
        failure = State.BROKEN if decoder in decoders.ALWAYS_USED else State.NOTE
        yield Check(DECODERS, decoder, partial(decoders.try_decoder, decoder), failure)
    yield Check(COMPUTING, "cores", processor.look_at_cores)
    yield Check(COMPUTING, "bfloat16", processor.look_at_bfloat16)
    yield Check(COMPUTING, "GPU", gpu.look_at_gpus)
    yield Check(CLUSTER, "SLURM", slurm.look_at_slurm)
    yield Check(DISK, "runs", disk.look_at_runs)
    yield Check(DISK, "weights", disk.look_at_cache)
    yield Check(DISK, "temporary", disk.look_at_temporary)
    yield Check(DISK, "shared memory", disk.look_at_shared_memory)
    yield Check(ZOO, "records", zoo.look_at_zoo, State.BROKEN)
    yield Check(FAULTS, "pytorchvideo.transforms", faults.look_at_transforms, State.BROKEN)
    yield Check(FAULTS, "decoder='torchvision'", faults.look_at_torchvision_decoder)
    yield Check(FAULTS, "decoder='decord'", faults.look_at_decord_without_sound)
    yield Check(FAULTS, "plug-ins", faults.look_at_plugins, State.BROKEN)


def _checks_of_packages() -> Iterator[Check]:
    for name in packages.required():
        failure = State.NOTE if name in packages.DISPENSABLE else State.BROKEN
        yield Check(REQUIRED, name, partial(packages.look_at_required, name), failure, packages.reinstall(name))
    for name in packages.EXTRAS:
        yield Check(OPTIONAL, f"[{name}]", partial(packages.look_at_extra, name))
