"""Watching and cancelling jobs: of hand-made folders, of this machine, and of a real SLURM."""

import contextlib
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from launching import ON_SLURM, SMALL, logs, wait_until, write_small_videos

from iic_ptv.cli.main import main
from iic_ptv.errors import InputError
from iic_ptv.launch.cancel import cancel_command
from iic_ptv.launch.jobs_table import duration, jobs_table
from iic_ptv.launch.launched_runs import runs_of
from iic_ptv.launch.record import JobRecord, log_of, read_record, write_record
from iic_ptv.launch.watch import look_at
from iic_ptv.runs.checkpoint import read_checkpoint
from iic_ptv.runs.status import Status, read_status, tell_status

LONG = ("OPTIM.EPOCHS", "100000")
DEAD = str(2**22 + 1)  # greater than the number of any process


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    return write_small_videos(tmp_path_factory.mktemp("rendered"))


@pytest.fixture
def iic(tmp_path, monkeypatch, capsys) -> Callable[..., str]:
    """Runs a command in ``tmp_path``; returns what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("iic_ptv.launch.jobs.SECONDS_BETWEEN", 0.2)

    def run(*arguments: str) -> str:
        capsys.readouterr()
        main(arguments)
        return capsys.readouterr().out

    return run


@pytest.fixture
def no_job_outlives_the_test(tmp_path) -> Iterator[None]:
    """Cancels what a test that failed has left."""
    yield
    with contextlib.suppress(InputError):
        cancel_command([str(tmp_path / "runs")])


def launched(printed: str, folder: Path) -> Path:
    """The run folder that ``iic launch`` has named."""
    found = re.search(r"^run folder: (.+)$", printed, re.MULTILINE)
    assert found, printed
    return folder / found[1]


def pretrain(videos: Path) -> list[str]:
    return ["pretrain", "--data", str(videos / "videos"), *SMALL, "DATA.LISTS", str(videos / "splits/trainlist01.txt")]


def write_run(folder: Path, state: str, *, cluster: str = "debug", job_id: str = "7", log: str = "", **status) -> Path:
    """A run folder as a launched run has it."""
    (folder / "job").mkdir(parents=True)
    record = JobRecord(job_id, cluster, "job", 1, "iic pretrain --data videos", "2026-01-01T00:00:00+00:00")
    write_record(folder, record)
    log_of(folder, record).write_text(log)
    tell_status(folder, state=state, **status)
    return folder


def lines_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def status_of(folder: Path) -> Status:
    status = read_status(folder)
    assert status is not None
    return status


def wait_until_it_trains(run: Path) -> None:
    wait_until(lambda: status_of(run).step > 0, what=f"the first step of {run.name}\n{logs(run)}")


# Hand-made folders.


def test_a_row_has_the_figures_and_the_last_words(iic, tmp_path) -> None:
    write_run(
        tmp_path / "runs/pretrain/one",
        "running",
        job_id="12_3",
        log="much before\n\x1b[32mpre-training ━━╸  8/90\x1b[0m\r",
        stage="pre-training",
        epoch=3,
        epochs=240,
        step=70,
        steps=9000,
        loss=11.2699,
        clips_per_second=1340.2,
        seconds_left=200_000,
    )
    head, folder, row, summary = lines_of(iic("jobs"))
    assert head == ["job", "state", "on", "epoch", "loss", "clips/s", "left", "last", "words"]
    assert folder == ["runs/pretrain/one"]
    figures = ["12_3", "running", socket.gethostname(), "3/240", "11.27", "1,340", "2", "d", "07", "h"]
    assert row == [*figures, "pre-training", "8/90"]
    assert summary == ["1", "running"]


def test_what_is_not_known_is_left_open(iic, tmp_path) -> None:
    write_run(tmp_path / "runs/pretrain/one", "queued")
    assert lines_of(iic("jobs"))[2] == ["7", "pending", *5 * "–"]


def test_what_is_doing_is_told_where_the_last_line_does_not(iic, tmp_path) -> None:
    write_run(tmp_path / "runs/pretrain/one", "running", log="12 of 30 videos\n", stage="retrieve")
    assert "retrieve: 12 of 30 videos" in iic("jobs")


def test_the_reason_of_a_failure_takes_the_place_of_the_last_words(iic, tmp_path) -> None:
    write_run(tmp_path / "runs/pretrain/one", "failed", log="all is well\n", message="DATA.CROP:\n cannot cut")
    printed = iic("jobs")
    assert "DATA.CROP: cannot cut" in printed
    assert "all is well" not in printed


def test_a_run_whose_process_is_gone_is_lost_with_its_last_words(iic, tmp_path) -> None:
    run = write_run(tmp_path / "runs/pretrain/one", "running", cluster="local", job_id=DEAD, log="at work\n")
    assert "lost" in iic("jobs")
    assert "its process has ended; last words: at work" in iic("jobs", str(run))
    record = read_record(run)
    assert record is not None
    log_of(run, record, stream="err").write_text("warning\nCUDA error: an illegal memory access\n")
    assert "its process has ended; last words: CUDA error: an illegal memory access" in iic("jobs")


def test_a_process_that_got_the_number_of_a_dead_one_is_not_the_job(iic, tmp_path) -> None:
    write_run(tmp_path / "runs/pretrain/one", "running", cluster="local", job_id=str(os.getpid()))
    assert "its process has ended" in iic("jobs")
    assert "is over already (lost)" in iic("jobs", "cancel", "runs")


def test_a_process_of_another_machine_is_believed_and_out_of_reach(iic, tmp_path, capsys) -> None:
    run = write_run(tmp_path / "runs/pretrain/one", "running", cluster="local", job_id=DEAD)
    status = (run / "status.json").read_text().replace(f'"{socket.gethostname()}"', '"elsewhere"')
    (run / "status.json").write_text(status)
    assert lines_of(iic("jobs"))[2][1:3] == ["running", "elsewhere"]
    with pytest.raises(SystemExit) as end:
        main(["jobs", "cancel", "runs"])
    assert end.value.code == 2
    assert "its job cannot be cancelled from here: its process is on elsewhere" in capsys.readouterr().err


def test_on_a_narrow_terminal_words_are_cut_and_reasons_go_on_below(tmp_path) -> None:
    write_run(tmp_path / "one", "running", log=f"{' word' * 60}\n", stage="pre-training")
    write_run(tmp_path / "two", "failed", message="because " * 30)
    sights = look_at(runs_of([str(tmp_path)]))
    table = jobs_table(sights, 80).plain.splitlines()
    (words,) = [line for line in table if "word word" in line]
    assert len(words) == 80
    assert words.endswith("…")
    below = [line.strip() for line in table if "because" in line]
    assert len(below) > 1
    assert " ".join(below) == ("because " * 30).strip()
    assert all(len(line) <= 80 for line in table if not line.startswith(str(tmp_path)))
    assert (" word" * 60).strip() in jobs_table(sights, None).plain


def test_followed_on_a_terminal_it_fits_and_ctrl_c_leaves_the_jobs_alone(tmp_path) -> None:
    for name in "abcdefghi":
        write_run(tmp_path / "runs/pretrain" / name, "finished")
    run = write_run(tmp_path / "runs/pretrain/z", "running")
    lines = 12
    screen, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 100, 0, 0))
    command = [sys.executable, "-m", "iic_ptv", "jobs", "--follow"]
    environment = {**os.environ, "TERM": "xterm", "LINES": str(lines), "COLUMNS": "100"}
    streams = {"stdin": subprocess.DEVNULL, "stdout": terminal}  # whatever terminal the tests themselves have
    with subprocess.Popen(command, cwd=tmp_path, env=environment, **streams) as process:
        os.close(terminal)
        shown = ""
        while "Ctrl-C leaves" not in shown:
            shown += os.read(screen, 4096).decode(errors="ignore")
        process.send_signal(signal.SIGINT)
        rest = ""
        with contextlib.suppress(OSError):  # so ends a terminal that nobody writes to any more
            while part := os.read(screen, 4096).decode(errors="ignore"):
                rest += part
    os.close(screen)
    assert process.returncode == 0
    assert shown.index("pretrain/z") < shown.index("pretrain/a"), "what goes on comes first"
    assert shown.count("\n") < lines
    assert "not followed any more; the jobs go on" in rest
    assert status_of(run).state == "running"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3660, "1 h 01 min"), (90_000, "1 d 01 h")],
)
def test_durations(seconds, text) -> None:
    assert duration(seconds) == text


def test_nothing_was_launched(iic) -> None:
    assert "nothing in runs/ was launched as a job" in iic("jobs")


def test_what_is_over_is_not_cancelled(iic, tmp_path) -> None:
    for state in ("finished", "failed", "stopped"):
        write_run(tmp_path / "runs/pretrain" / state, state, cluster="local", job_id=DEAD)
    printed = iic("jobs", "cancel", "runs")
    for state in ("finished", "failed", "stopped"):
        assert f"runs/pretrain/{state}: is over already ({state})" in printed
        assert status_of(tmp_path / "runs/pretrain" / state).state == state
    assert "go on with" not in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere: there is no such run folder"),
        (["cancel"], "name the runs to cancel"),
        (["cancel", "nowhere"], "nowhere: there is no such run folder"),
    ],
)
def test_mistakes_are_named(words, message, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["jobs", *words])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


# Jobs of this machine.


@pytest.mark.slow
def test_a_run_of_this_machine_is_watched_cancelled_and_gone_on_with(
    iic, videos, tmp_path, no_job_outlives_the_test
) -> None:
    # A line to run before makes the job a shell, which knows nothing of signals.
    run = launched(iic("launch", "--cluster", "local", "--setup", "true", *pretrain(videos), *LONG), tmp_path)
    wait_until_it_trains(run)
    _, name, row, _ = lines_of(iic("jobs", "runs"))
    assert (name, row[1:3]) == ([str(run.relative_to(tmp_path))], ["running", socket.gethostname()])
    assert row[3].endswith("/100000")
    assert " clips/s" in iic("jobs")

    printed = iic("jobs", "cancel", "--follow", str(run.relative_to(tmp_path)))
    assert f"{run.name}: ends after its step, and leaves a checkpoint" in printed
    assert f"go on with: iic launch pretrain --resume {run.relative_to(tmp_path)}" in printed
    assert printed.endswith("1 stopped\n")
    status, made = status_of(run), read_checkpoint(run).step
    assert (status.state, status.message) == ("stopped", "cancelled")
    assert 0 < status.step <= made
    assert "is over already (stopped)" in iic("jobs", "cancel", str(run))

    epochs = made // 16 + 1  # thirty-two videos in batches of two
    iic("launch", "--cluster", "local", "pretrain", "--resume", str(run), "OPTIM.EPOCHS", str(epochs))
    printed = iic("jobs", str(run), "--follow")
    assert printed.endswith("1 finished\n"), logs(run)
    assert read_checkpoint(run).step == epochs * 16
    assert f" {epochs}/{epochs} " in printed


def test_one_member_that_waits_is_not_cancelled_alone(iic, tmp_path, capsys) -> None:
    """On this machine, the members of a sweep that wait are in the care of one process."""
    folder = tmp_path / "runs/sweep/grid"
    command = [sys.executable, "-c", "import time; time.sleep(600)", "submitit.local._local", str(folder / "job")]
    with subprocess.Popen(command) as queue:
        members = [folder / "members" / name for name in ("seed0", "seed1")]
        for member in members:
            write_run(member, "queued")
            record = JobRecord(str(queue.pid), "local", "../../job", 1, "iic pretrain", "2026-01-01T00:00:00+00:00")
            write_record(member, record)
        assert iic("jobs").endswith("2 pending\n")
        with pytest.raises(SystemExit):
            main(["jobs", "cancel", str(members[0])])
        assert "seed1: it waits in the same process of this machine as others" in capsys.readouterr().err
        assert queue.poll() is None

        printed = iic("jobs", "cancel", str(folder))
        assert printed.count("is out of the queue") == 2
        assert printed.count("go on with: iic sweep") == 1
        assert queue.wait() != 0
    assert iic("jobs").endswith("2 stopped\n")


# A real SLURM of two nodes.


def test_jobs_of_slurm_wait_run_and_are_cancelled(slurm, iic, videos, tmp_path, no_job_outlives_the_test) -> None:
    hold = ("--param", "slurm_additional_parameters={hold: true}")
    held = launched(iic("launch", *ON_SLURM, *hold, *pretrain(videos), "NAME", "held"), tmp_path)
    run = launched(iic("launch", *ON_SLURM, "--nodes", "2", *pretrain(videos), *LONG, "NAME", "two"), tmp_path)
    (row,) = lines_of(iic("jobs", str(held)))[2:-1]
    assert row[1:] == ["pending", *5 * "–", "JobHeldUser"]
    wait_until_it_trains(run)
    (row,) = lines_of(iic("jobs", str(run)))[2:-1]
    assert row[1:3] == ["running", "n[1-2]"]

    printed = iic("jobs", "cancel", "runs", "--follow")
    assert f"{run.name}: ends after its step, and leaves a checkpoint" in printed
    assert f"{held.name}: is out of the queue" in printed
    assert "go on with: iic launch pretrain --data" in printed
    assert printed.endswith("2 stopped\n")
    assert (status_of(run).state, status_of(run).message) == ("stopped", "cancelled")
    assert read_checkpoint(run).step >= status_of(run).step > 0
    assert status_of(held).state == "stopped"
    assert [log.name for log in (held / "job").glob("*_log.*")] == []
