"""Work that processes share, by processes that talk to each other."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from started_together import FORK, environment, free_port
from together import run_together
from torch import Tensor, nn

from iic_ptv import shares
from iic_ptv.distributed import process_group, take_from_first, told_by_first
from iic_ptv.errors import InputError
from iic_ptv.shares import collected, failing_together, own_share

WORLD = 3


def entries(rows: list[int], width: int = 2) -> list[Tensor]:
    """A float matrix and integers that tell which rows they are of."""
    numbers = torch.tensor(rows, dtype=torch.long)
    return [numbers[:, None] + torch.arange(width) / 10, 7 * numbers] if rows else [torch.empty(0, 0), numbers]


def of_share(rank: int, total: int, missing: tuple[int, ...]) -> Any:
    return collected(rows := [row for row in own_share(range(total)) if row not in missing], entries(rows))


def mixed_up(rank: int) -> Any:
    """Rows in no order, some of several processes, sent in many parts."""
    shares.SENT_AT_ONCE = 2
    rows = [[9, 2, 5], [1, 9, 8, 3, 0], [7, 4, 2, 6]][rank]
    return collected(rows, entries(rows))


def outcome_of(work: Callable[[], None]) -> str:
    try:
        work()
    except (InputError, SystemExit) as error:
        return f"{type(error).__name__}: {error}"
    return "done"


def failing(rank: int, failures: tuple[int, ...]) -> str:
    def work() -> None:
        with failing_together():
            if rank in failures:
                raise InputError(f"mend {rank}")

    return outcome_of(work)


def taken(rank: int) -> Any:
    norm = nn.BatchNorm1d(2)
    norm.running_mean += rank + 1
    norm.num_batches_tracked += 10 * (rank + 1)
    take_from_first(norm.buffers())
    return norm.running_mean.tolist(), int(norm.num_batches_tracked), told_by_first(f"rank {rank}")


def everything(rank: int) -> dict[str, Any]:
    """All in one start of the processes."""
    return {
        "whole": of_share(rank, 8, ()),
        "some unreadable": of_share(rank, 8, (0, 4, 7)),
        "a share unreadable": of_share(rank, 6, (0, 3)),
        "fewer than processes": of_share(rank, 2, ()),
        "only the last": of_share(rank, 3, (0, 1)),
        "none": of_share(rank, 3, (0, 1, 2)),
        "mixed up": mixed_up(rank),
        "all well": failing(rank, ()),
        "second fails": failing(rank, (1,)),
        "two fail": failing(rank, (0, 2)),
        "taken": taken(rank),
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> list[dict[str, Any]]:
    return run_together(everything, WORLD, tmp_path_factory.mktemp("together"))


@pytest.mark.parametrize(
    ("case", "rows"),
    [
        ("whole", [*range(8)]),
        ("some unreadable", [1, 2, 3, 5, 6]),
        ("a share unreadable", [1, 2, 4, 5]),
        ("fewer than processes", [0, 1]),
        ("only the last", [2]),
        ("mixed up", [*range(10)]),
    ],
)
def test_the_first_process_gets_every_row_once_in_order(found, case, rows) -> None:
    all_rows, (matrix, numbers) = found[0][case]
    assert all_rows == rows
    expected = entries(rows)
    assert torch.equal(matrix, expected[0])
    assert torch.equal(numbers, expected[1])
    assert numbers.dtype == torch.long
    assert [others[case] for others in found[1:]] == [None, None]


def test_nothing_may_be_found(found) -> None:
    rows, (matrix, numbers) = found[0]["none"]
    assert (rows, len(matrix), len(numbers)) == ([], 0, 0)


def test_what_ends_one_is_told_by_the_first_alone(found) -> None:
    outcomes = {case: [each[case] for each in found] for case in ("all well", "second fails", "two fail")}
    assert outcomes["all well"] == ["done"] * WORLD
    assert outcomes["second fails"] == ["InputError: mend 1", "SystemExit: 2", "SystemExit: 2"]
    assert outcomes["two fail"] == ["InputError: mend 0", "SystemExit: 2", "SystemExit: 2"]


def test_the_first_process_is_the_one_to_follow(found) -> None:
    assert [each["taken"] for each in found] == [([1.0, 1.0], 10, "rank 0")] * WORLD


def test_one_process_alone_has_everything() -> None:
    assert own_share(range(5)) == range(5)
    tensor = torch.rand(3, 2)
    rows, (same,) = collected([4, 1, 2], [tensor])
    assert rows == [4, 1, 2]
    assert same is tensor
    assert failing(0, (0,)) == "InputError: mend 0"


def test_shares_are_all_there_is_and_each_once(tmp_path: Path) -> None:
    parts = run_together(share_of_ten, 4, tmp_path)
    assert sorted(item for part in parts for item in part) == [*range(10)]
    assert max(map(len, parts)) - min(map(len, parts)) == 1


def share_of_ten(rank: int) -> list[int]:
    return list(own_share(list(range(10))))


def test_who_is_left_when_one_dies_does_not_wait_for_it(tmp_path: Path) -> None:
    port = free_port()
    started = [FORK.Process(target=one_dies, args=(rank, port, tmp_path), daemon=True) for rank in range(WORLD)]
    for process in started:
        process.start()
    for process in started:
        process.join(100)
    assert [process.exitcode for process in started] == [0, -signal.SIGKILL, 0]
    for rank in (0, 2):
        assert "Another process has ended in the middle of its work" in (tmp_path / str(rank)).read_text()


def one_dies(rank: int, port: int, folder: Path) -> None:
    def work() -> None:
        with failing_together():
            if rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)

    os.environ.update(environment(rank, WORLD, port, folder))
    with process_group():
        with failing_together():
            pass  # all are there
        (folder / str(rank)).write_text(outcome_of(work))
