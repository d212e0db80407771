"""Checkpoints of sharded memory banks, by real processes, read by as many and by others."""

import os
import resource
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy
from together import run_together
from torch import nn

from iic_ptv.distributed import rank, world_size
from iic_ptv.errors import CheckpointNotWritten, InputError
from iic_ptv.losses import InterIntraNCELoss
from iic_ptv.tasks.bank_files import BANKS, BLOCK, SavedBanks
from iic_ptv.tasks.iic import IICTask
from iic_ptv.tasks.shard_checkpoints import ShardCheckpoints, remove_unused
from iic_ptv.transforms import RepeatFrame

N, D = 2 * BLOCK + 11, 2


def make_task(banks: str = "sharded", num_videos: int = N) -> IICTask:
    torch.manual_seed(7)
    loss = InterIntraNCELoss(num_videos, D, banks=banks, num_negatives=2)
    return IICTask(nn.Linear(D, D), loss, partial(torch.optim.SGD, lr=0.1))


def make_trainer() -> Trainer:
    return Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        plugins=[LightningEnvironment()],
    )  # fmt: skip


def written(task: LightningModule, folder: Path) -> dict[str, Any]:
    """The checkpoint of a task, as Lightning asks for it."""
    checkpoint: dict[str, Any] = {"state_dict": task.state_dict()}
    ShardCheckpoints(folder).on_save_checkpoint(make_trainer(), task, checkpoint)
    return checkpoint


def read(checkpoint: dict[str, Any], folder: Path, banks: str = "sharded", num_videos: int = N) -> torch.Tensor:
    """The rows that a new task has of a checkpoint, read in the order in which Lightning does it."""
    task, trainer, callback = make_task(banks, num_videos), make_trainer(), ShardCheckpoints(folder)
    with torch.no_grad():
        task.loss.bank.features.fill_(torch.nan)
    callback.setup(trainer, task, "fit")
    task.load_state_dict(checkpoint["state_dict"])
    callback.on_load_checkpoint(trainer, task, checkpoint)
    callback.teardown(trainer, task, "fit")
    return task.loss.bank.features


def begin(rank: int, folder: Path) -> dict[str, Any]:
    task = make_task()
    return {"rows": task.loss.bank.features, "checkpoint": written(task, folder)}


def hand_on(rank: int, folder: Path, checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Read what other processes wrote, and write it again."""
    task = make_task()
    task.loss.bank.features.copy_(read(checkpoint, folder))
    return {"rows": task.loss.bank.features, "checkpoint": written(task, folder)}


def fail_in_one(rank: int, folder: Path) -> str:
    """What a process says whose file would be larger than it may be, and the others."""
    task = make_task()
    if rank == 1:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
    try:
        written(task, folder)
    except CheckpointNotWritten as error:
        return str(error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return "written"


def missing_for_one(rank: int, folder: Path, checkpoint: dict[str, Any]) -> str:
    try:
        read(checkpoint, folder)
    except InputError as error:
        return str(error)
    return "read"


@pytest.fixture(scope="module")
def of_four(tmp_path_factory) -> tuple[Path, torch.Tensor, dict[str, Any]]:
    """Where four processes wrote a checkpoint, all their rows, and the checkpoint of the first."""
    folder = tmp_path_factory.mktemp("of_four") / "banks"
    ranks = run_together(begin, 4, folder.parent, folder)
    assert len({each["checkpoint"][BANKS]["folder"] for each in ranks}) == 1
    return folder, torch.cat([each["rows"] for each in ranks], dim=1), ranks[0]["checkpoint"]


def test_four_then_two_then_one_process_have_the_same_bits(of_four, tmp_path) -> None:
    folder, rows, checkpoint = of_four
    assert rows.shape == (3, N, D)
    ranks = run_together(hand_on, 2, tmp_path, folder, checkpoint)
    assert torch.equal(torch.cat([each["rows"] for each in ranks], dim=1), rows)
    of_two = ranks[0]["checkpoint"]
    assert of_two[BANKS]["world_size"] == 2
    assert torch.equal(read(of_two, folder), rows)
    assert torch.equal(read(checkpoint, folder), rows)


def test_a_checkpoint_is_plain_values_and_a_folder_of_whole_files(of_four) -> None:
    folder, _, checkpoint = of_four
    name = checkpoint[BANKS]["folder"]
    assert name.startswith("step-000000000-")
    assert checkpoint[BANKS] == {
        "folder": name, "num_banks": 3, "num_videos": N, "feature_dim": D, "world_size": 4,
    }  # fmt: skip
    assert sorted(file.name for file in (folder / name).iterdir()) == [
        f"{number:05d}-of-00004.safetensors" for number in range(4)
    ]
    assert not any("bank" in key for key in checkpoint["state_dict"])


def test_sharded_banks_become_replicated_ones_and_back(of_four) -> None:
    folder, rows, checkpoint = of_four
    assert torch.equal(read(checkpoint, folder, "replicated"), rows)
    replicated = written(make_task("replicated"), folder)
    assert BANKS not in replicated
    assert torch.equal(read(replicated, folder, "sharded"), make_task("replicated").loss.bank.features)


def test_if_one_process_cannot_write_all_say_so_and_nothing_is_left(tmp_path) -> None:
    folder = tmp_path / "banks"
    first, second = run_together(fail_in_one, 2, tmp_path, folder)
    assert first == second
    assert first.startswith(f"{folder}/step-000000000-")
    assert "00001-of-00002.safetensors: the checkpoint cannot be written" in first
    assert "File too large" in first
    assert list(folder.iterdir()) == []


def test_if_one_process_misses_a_file_all_say_so(of_four, tmp_path) -> None:
    folder, _, checkpoint = of_four
    copy = tmp_path / "banks" / checkpoint[BANKS]["folder"]
    copy.mkdir(parents=True)
    for file in (folder / copy.name).iterdir():
        if not file.name.startswith("00003"):  # which the second alone would read
            os.link(file, copy / file.name)
    first, second = run_together(missing_for_one, 2, tmp_path, copy.parent, checkpoint)
    assert first == second
    assert first.startswith(f"{copy}/00003-of-00004.safetensors: ")
    assert "No such file" in first


@pytest.mark.parametrize("damage", ["a bit", "cut off", "empty", "text"])
def test_damage_is_noticed(tmp_path, damage) -> None:
    checkpoint = written(make_task(), tmp_path)
    (file,) = tmp_path.glob("*/*.safetensors")
    content = bytearray(file.read_bytes())
    if damage == "a bit":
        content[-1000] ^= 1
    file.write_bytes({"a bit": content, "cut off": content[:-1000], "empty": b"", "text": b"no tensors " * 99}[damage])
    with pytest.raises(InputError, match=f"{file}: these rows of the memory banks cannot be read"):
        read(checkpoint, tmp_path)


def test_other_videos_and_a_checkpoint_without_banks_are_refused(of_four) -> None:
    folder, _, checkpoint = of_four
    with pytest.raises(InputError, match=rf"these memory banks are \(3, {N}, 2\), expected \(3, 5, 2\)"):
        read(checkpoint, folder, num_videos=5)
    for banks in ("sharded", "replicated"):
        with pytest.raises(InputError, match="holds no memory banks"):
            read({"state_dict": checkpoint["state_dict"]}, folder, banks)


def test_tasks_without_banks_are_left_alone(tmp_path) -> None:
    task = IICTask(nn.Linear(D, D), nn.Identity(), partial(torch.optim.SGD, lr=0.1))
    checkpoint = written(task, tmp_path)
    assert list(checkpoint) == ["state_dict"]
    ShardCheckpoints(tmp_path).on_load_checkpoint(make_trainer(), task, checkpoint)


def test_what_is_not_kept_is_removed(tmp_path) -> None:
    checkpoints = [written(make_task(num_videos=3), tmp_path) for _ in range(3)]
    names = [SavedBanks(**each[BANKS]).folder for each in checkpoints]
    assert len(set(names)) == 3
    remove_unused(tmp_path, names[1:])
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(names[1:])
    remove_unused(tmp_path / "nowhere", [])


def clips(num_videos: int = 8) -> list[dict[str, Any]]:
    generator = torch.Generator().manual_seed(0)
    return [{"video": torch.rand(3, 4, 4, 4, generator=generator), "video_index": index} for index in range(num_videos)]


def fit(folder: Path, banks: str, epochs: int, resume: str | None = None, saved_as: str = "last") -> IICTask:
    """Train on this process or, with the others that it works with, through Lightning and DDP."""
    torch.manual_seed(3)
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    loss = InterIntraNCELoss(8, 4, banks=banks, num_negatives=5)
    task = IICTask(network, loss, partial(torch.optim.SGD, lr=0.05), intra_negative=RepeatFrame())
    options: dict[str, Any] = {"devices": 1, "plugins": [LightningEnvironment()]}
    if world_size() > 1:
        os.environ.update(RANK=str(rank()), LOCAL_RANK=str(rank()), WORLD_SIZE=str(world_size()))
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="0")  # the processes talk to each other already
        strategy = DDPStrategy(process_group_backend="gloo", broadcast_buffers=False)
        options = {"devices": world_size(), "strategy": strategy, "plugins": [TorchElasticEnvironment()]}
    trainer = Trainer(
        accelerator="cpu", max_epochs=epochs, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[ShardCheckpoints(folder / "banks")], use_distributed_sampler=False,
        **options,
    )  # fmt: skip
    mine = [clip for clip in clips() if clip["video_index"] % world_size() == rank()]
    checkpoint = None if resume is None else folder / f"{resume}.ckpt"
    trainer.fit(task, torch.utils.data.DataLoader(mine, 2), ckpt_path=checkpoint, weights_only=True)
    trainer.save_checkpoint(folder / f"{saved_as}.ckpt")
    return task


def train_through_lightning(rank: int, folder: Path) -> dict[str, Any]:
    tasks = {
        "sharded": fit(folder, "sharded", 2, saved_as="sharded"),
        "replicated": fit(folder, "replicated", 2, saved_as="replicated"),
        "half": fit(folder, "sharded", 1, saved_as="half"),
        "resumed": fit(folder, "sharded", 2, resume="half"),
        "crossed": fit(folder, "sharded", 2, resume="replicated"),  # two epochs are made: nothing is left to train
    }
    return {
        name: {"rows": task.loss.bank.features, "weights": task.network()[1].weight.detach()}
        for name, task in tasks.items()
    }


def test_training_through_lightning_and_ddp(tmp_path) -> None:
    """Sharded banks train as replicated ones, resume to where an uninterrupted run ends, and become the others."""
    ranks = run_together(train_through_lightning, 2, tmp_path, tmp_path)
    rows = {name: torch.cat([each[name]["rows"] for each in ranks], dim=1) for name in ranks[0]}
    rows["replicated"] = ranks[0]["replicated"]["rows"]
    weights = {name: each["weights"] for name, each in ranks[0].items()}
    assert torch.allclose(rows["sharded"], rows["replicated"], atol=1e-6)
    assert torch.allclose(weights["sharded"], weights["replicated"], atol=1e-6)
    assert torch.equal(rows["sharded"], rows["resumed"])
    assert torch.equal(weights["sharded"], weights["resumed"])
    assert not torch.allclose(rows["sharded"], rows["half"], atol=1e-2)
    assert torch.equal(rows["crossed"], rows["replicated"])
    alone = fit(tmp_path, "replicated", 2, resume="sharded")
    assert torch.equal(alone.loss.bank.features, rows["sharded"])
