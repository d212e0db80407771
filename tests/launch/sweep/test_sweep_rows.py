"""Sweeps of rows: configurations with names, some of which are not trained, beside what others report of them."""

import json
from pathlib import Path

import pytest
from sweeping import SMALL, SWEEP, prepare, read_table

from iic_ptv.errors import InputError
from iic_ptv.evaluation.retrieval import PAPER_KS
from iic_ptv.launch.sweep.file import SweepFile, read_sweep
from iic_ptv.launch.sweep.given import with_given
from iic_ptv.launch.sweep.measures import LABELS
from iic_ptv.launch.sweep.planning import plan_members
from iic_ptv.launch.sweep.record import read_sweep_record

ROWS = """
rows:
  not trained: {train: false, reported: {retrieve: {top1: 9.9}}}
  CMC: cmc.yaml
  IIC: {options: {OPTIM.LR: 0.5}, reported: {retrieve: {top1: 36.5, top5: 54}}}
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A sweep file of rows, and what belongs to it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL.replace("PLUGINS: [troubled_views]", ""))
    (tmp_path / "cmc.yaml").write_text("INTRA_NEGATIVE: none\nOPTIM: {EPOCHS: 2, LR: 0.1}\n")

    def write(text: str = ROWS) -> SweepFile:
        (tmp_path / "mine.yaml").write_text(SWEEP + text)
        return read_sweep(Path("mine.yaml"))

    return write


def test_a_row_changes_the_configuration_of_all_and_the_grid_that_of_a_row(written, tmp_path) -> None:
    file = written(ROWS + "grid: {SEED: [0, 1]}\n")
    members = {member.name: member for member in plan_members(file, tmp_path)}
    assert list(members) == [f"{row}-seed{seed}" for row in ("not_trained", "CMC", "IIC") for seed in (0, 1)]
    cmc, iic = (members[name].steps[0].cfg for name in ("CMC-seed1", "IIC-seed0"))
    assert (cmc.INTRA_NEGATIVE, cmc.OPTIM.EPOCHS, cmc.OPTIM.LR, cmc.SEED) == ("none", 2, 0.1, 1)
    assert (iic.INTRA_NEGATIVE, iic.OPTIM.EPOCHS, iic.OPTIM.LR, iic.SEED) == ("repeat", 3, 0.5, 0)
    assert {cfg.DATA.CROP for cfg in (cmc, iic)} == {16}


def test_a_row_that_is_not_trained_is_only_evaluated(written, tmp_path) -> None:
    random, cmc, _ = plan_members(written(), tmp_path)
    assert [step.arguments for step in random.steps] == [["retrieve", "--config", str(random.steps[0].plan)]]
    assert [step.name for step in cmc.steps] == ["pretrain", "retrieve"]
    assert cmc.steps[1].arguments[:3] == ["retrieve", "--checkpoint", str(cmc.folder)]


def test_what_is_given_counts_for_more_than_the_file(written, tmp_path) -> None:
    file = with_given(written(), ["there", "retrieve=elsewhere"], ["OPTIM.LR", "2", "DATA.FLOW", "dis"])
    assert file.command == "iic sweep mine.yaml --data there --data retrieve=elsewhere OPTIM.LR 2 DATA.FLOW dis"
    for member in plan_members(file, tmp_path)[1:]:
        trained, retrieve = (step.cfg for step in member.steps)
        assert (trained.DATA.ROOT, trained.OPTIM.LR, trained.DATA.FLOW) == ("there", 2, "dis")
        assert (retrieve.DATA.ROOT, retrieve.DATA.FLOW) == ("elsewhere", "dis")


def test_what_is_given_for_nothing_is_refused(written, tmp_path) -> None:
    with pytest.raises(InputError, match=r"--data retrieval=x: retrieval: there is no such evaluation in mine.yaml"):
        with_given(written(), ["retrieval=x"], [])
    with pytest.raises(InputError, match=r"SEED is given and stands in the grid of mine.yaml"):
        with_given(written("grid: {SEED: [0]}\n"), [], ["SEED", "1"])
    with pytest.raises(InputError, match=r"'OPTIM\.LR' has no value"):
        plan_members(with_given(written(), [], ["OPTIM.LR"]), tmp_path)
    (tmp_path / "a=b").mkdir()
    assert with_given(written(), ["a=b"], []).data == "a=b"  # a folder that is called so


def test_every_figure_that_retrieval_writes_can_be_a_column() -> None:
    assert [*LABELS["retrieve"]] == [*(f"top{k}" for k in PAPER_KS), "map"]


def test_before_anything_has_run_the_table_has_what_is_reported(sweep, written, tmp_path) -> None:
    written()
    printed = sweep("--table")
    assert "0 of 3 members finished, 3 new" in printed
    rows = read_table(tmp_path / "runs" / "sweep" / "mine")
    assert [rows[name]["retrieve.top1.reported"] for name in rows] == ["0.099", "", "0.365"]
    assert rows["IIC"]["retrieve.top5.reported"] == "0.54"
    assert {rows[name]["retrieve.top1"] for name in rows} == {""}
    assert "not measured here" in (tmp_path / "runs/sweep/mine/table.md").read_text()


def test_splits_are_summarised_beside_what_is_reported_of_their_mean(sweep, written, tmp_path) -> None:
    written(ROWS + "grid: {DATA.SPLIT: [1, 2]}\n")
    folder = tmp_path / "runs" / "sweep" / "mine"
    for split, top1 in ((1, 0.3), (2, 0.4)):
        run = folder / "members" / f"IIC-split{split}" / "retrieve"
        run.mkdir(parents=True)
        (run / "metrics.json").write_text(json.dumps({"joint": {"top1": top1}}))
    sweep("--table")
    text = (folder / "table.md").read_text()
    assert "## Over the splits" in text
    head, row = (
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith(("| row | splits", "| IIC | 0 of 2"))
    )
    cells = dict(zip(head, row, strict=True))
    assert cells["retrieve top-1, %, measured"] == "35.0 ± 7.1"
    assert cells["retrieve top-1, %, reported"] == "36.5"


@pytest.mark.slow
@pytest.mark.usefixtures("signals_as_before")
def test_measured_stands_beside_reported_and_other_sweeps_train_nothing_again(sweep, tmp_path) -> None:
    evaluation = (
        "  other: {command: probe, gallery: rendered/splits/trainlist01.txt, query: rendered/splits/testlist01.txt}\n"
    )
    shared = "rows: {IIC: {reported: {retrieve: {top1: 36.5}}}, random: {train: false}}\nfolder: both\n"
    folder = prepare(tmp_path, shared)
    assert "2 of 2 members finished" in sweep("--cluster", "debug", "OPTIM.EPOCHS", "1")
    row = read_table(folder)["IIC"]
    assert row["retrieve.top1.reported"] == "0.365"
    assert 0 <= float(row["retrieve.top1"]) <= 1
    assert 0 <= float(read_table(folder)["random"]["retrieve.top1"]) <= 1
    member = tmp_path / "runs" / "sweep" / "both" / "members" / "IIC"
    trained = (member / "metrics.json").stat().st_mtime_ns
    sweep("--table")
    assert read_sweep_record(folder).given == ("OPTIM.EPOCHS", "1")
    assert not (member.with_name("random") / "metrics.json").exists()

    (tmp_path / "mine.yaml").rename(tmp_path / "first.yaml")
    (tmp_path / "mine.yaml").write_text(
        SWEEP.split("  retrieve:")[0] + evaluation + shared.replace("retrieve", "other").replace("top1", "knn_top1")
    )
    folder.rename(folder.with_name("first"))
    assert "2 of 2 members finished" in sweep("--cluster", "debug", "OPTIM.EPOCHS", "1")
    assert (member / "metrics.json").stat().st_mtime_ns == trained
    assert read_table(folder)["IIC"]["other.knn_top1"]
