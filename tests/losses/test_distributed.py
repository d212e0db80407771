"""Two processes end with the banks and the loss of one process that saw the joint batch."""

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from iic_ptv.losses import InterIntraNCELoss

N, D, B, STEPS = 16, 6, 3, 3


def joint_batches() -> list[tuple[torch.Tensor, ...]]:
    generator = torch.Generator().manual_seed(4)
    return [
        (*torch.randn(3, 2 * B, D, generator=generator), torch.randint(N, (2 * B,), generator=generator))
        for _ in range(STEPS)
    ]


def make_loss() -> InterIntraNCELoss:
    torch.manual_seed(0)
    return InterIntraNCELoss(N, D, num_negatives=5, objective="nce", temperature=0.5)


def run_rank(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    loss = make_loss()
    losses = []
    for view_1, view_2, negative, index in joint_batches():
        part = slice(rank * B, (rank + 1) * B)
        losses.append(float(loss([view_1[part], view_2[part]], negative[part], index[part]).loss))
    torch.save({"state": loss.state_dict(), "losses": losses}, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_are_one_with_the_doubled_batch(tmp_path) -> None:
    mp.spawn(run_rank, args=(str(tmp_path),), nprocs=2)
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]

    alone = make_loss()
    for step, (view_1, view_2, negative, index) in enumerate(joint_batches()):
        expected = alone([view_1, view_2], negative, index).loss
        mean_of_ranks = sum(rank["losses"][step] for rank in ranks) / 2
        assert torch.allclose(torch.tensor(mean_of_ranks), expected, rtol=1e-5)

    banks = [rank["state"]["bank.features"] for rank in ranks]
    assert torch.equal(banks[0], banks[1])
    assert torch.allclose(banks[0], alone.bank.features, atol=1e-6)
    assert torch.allclose(ranks[0]["state"]["log_normalizer"], alone.log_normalizer, rtol=1e-5)
