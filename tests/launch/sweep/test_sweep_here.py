"""Sweeps on this machine: in this process, and as background jobs."""

import pytest
from launching import wait_until
from sweeping import BROKEN, STEPS, contents, prepare, read_table, said, states

from iic_ptv.config import load_config
from iic_ptv.launch.record import read_record
from iic_ptv.runs.checkpoint import read_checkpoint

FAILING, WELL = "rgb+flow_u", "rgb+residual"


@pytest.mark.usefixtures("signals_as_before")
def test_in_this_process_one_that_fails_does_not_keep_the_rest(sweep, tmp_path) -> None:
    folder = prepare(tmp_path, "grid: {VIEWS: [[rgb, flow_u], [rgb, residual]]}\n")
    assert "1 of 2 members finished, 1 failed" in sweep("--cluster", "debug")
    rows = read_table(folder)
    assert [row["state"] for row in rows.values()] == ["failed", "finished"]
    assert "DATA.FLOW: the view flow_u needs optical flow" in rows[FAILING]["message"]
    well = folder / "members" / WELL
    for run, name in ((well, "pretrain"), (well / "retrieve", "retrieve")):
        told, plan = load_config(run / "config.yaml"), load_config(well / "plan" / f"{name}.yaml")
        told.EVAL.VIEWS = plan.EVAL.VIEWS  # which an evaluation finds out
        told.TRAINER.PRECISION = plan.TRAINER.PRECISION  # and a training
        assert told == plan
    before = contents(well)

    (tmp_path / "mine.yaml").write_text((tmp_path / "mine.yaml").read_text().replace("[rgb, flow_u], ", ""))
    assert "1 of 1 members finished" in sweep("--cluster", "debug")  # nothing is left to do
    assert contents(well) == before
    assert (folder / "members" / FAILING).is_dir()


def test_a_dry_run_leaves_nothing(sweep, tmp_path) -> None:
    prepare(tmp_path, "grid: {VIEWS: [[rgb, flow_u], [rgb, residual]]}\n")
    for cluster in ("debug", "local"):
        printed = sweep("--dry-run", "--cluster", cluster)
        assert f"{FAILING}: new, would be submitted" in printed
        assert f"{WELL}: new, would be submitted" in printed
    assert not (tmp_path / "runs").exists()


def test_a_table_of_nothing_is_refused(sweep, tmp_path, capsys) -> None:
    prepare(tmp_path, "grid: {SEED: [0]}\n")
    with pytest.raises(SystemExit, match="2"):
        sweep("--table")
    assert "iic: mine.yaml: nothing of this sweep has been submitted yet" in capsys.readouterr().err


@pytest.mark.slow
def test_in_the_background_one_that_broke_down_goes_on_by_itself(sweep, tmp_path) -> None:
    folder = prepare(tmp_path, "grid: {VIEWS: [[rgb, breaking]]}\n")
    member = folder / "members" / "rgb+breaking"
    # Of two processes, which talk to each other in every step.
    printed = sweep("--cluster", "local", "--tasks-per-node", "2")
    assert "1 member submitted to this machine, 1 at once" in printed
    wait_until((tmp_path / BROKEN).exists, what="a member that breaks down")
    assert "submitted" not in sweep("--cluster", "local")  # its job is there
    try:
        wait_until(lambda: states(folder) == ["finished"])
    except AssertionError as error:
        raise AssertionError(said(folder)) from error

    record = read_record(member)
    assert record is not None
    assert record.tasks == 2
    printed = said(folder)
    assert "the network card has melted" in printed  # in one of the processes, of which the other notices
    assert f"$ iic pretrain --resume {member}" in printed
    assert read_checkpoint(member).step == STEPS // 2
    assert read_table(folder)["rgb+breaking"]["retrieve.top1"]
