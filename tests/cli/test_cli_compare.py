"""``iic compare`` on run folders."""

import json

import pytest
import yaml
from lightning.pytorch.loggers import CSVLogger
from parsed_page import Page

from iic_ptv.cli.main import main
from iic_ptv.runs.terminal import console


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch, tmp_path):
    monkeypatch.setattr(console, "_width", 200)
    monkeypatch.chdir(tmp_path)


def write_run(folder, metrics=None, config=None, loss=()):
    folder.mkdir(parents=True)
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps(metrics))
    if config is not None:
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
    if loss:
        logger = CSVLogger(folder / "logs", name="", version=0)
        for step, value in enumerate(loss):
            logger.log_metrics({"train/loss": value}, step)
        logger.save()
    return str(folder)


@pytest.fixture
def runs(tmp_path):
    """A retrieval with two views, and a pre-training."""
    retrieval = {
        "checkpoint": "last.ckpt",
        "chance": {"top1": 0.1, "top5": 0.4},
        "joint": {"top1": 0.5, "top5": 0.75, "map": 0.3},
    }
    better = {**retrieval, "joint": {"top1": 0.25, "top5": 0.875, "map": 0.3}, "per_class": {"spin": {"top1": 0.5}}}
    return [
        write_run(tmp_path / "20250101-000000-cmc", retrieval, {"SEED": 0, "LOSS": {"NAME": "nce"}, "VIEWS": ["rgb"]}),
        write_run(tmp_path / "20250102-000000-iic", better, {"SEED": 0, "LOSS": {"NAME": "iic"}}),
        write_run(tmp_path / "20250103-000000-pretrain", {"seconds": 12.5}, {"SEED": 1}, loss=(3.0, 2.0, 1.0)),
    ]


def table_rows(output):
    """The cells of the rows of the terminal's tables, by their first cell."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if "│" in line]
    return {row[0]: row[1:] for row in rows}


def test_numbers_and_differences_stand_side_by_side(runs, capsys):
    main(["compare", *runs])
    rows = table_rows(capsys.readouterr().out)
    assert rows["joint.top1"] == ["0.5", "0.25", "–"]
    assert rows["joint.map"] == ["0.3", "0.3", "–"]
    assert "seconds" not in rows  # of one run only, and no accuracy
    assert rows["LOSS.NAME"] == ["nce", "iic", "–"]
    assert rows["SEED"] == ["0", "0", "1"]
    assert rows["VIEWS"] == ["['rgb']", "–", "–"]
    assert "checkpoint" not in rows
    assert "per_class.spin.top1" not in rows  # those are for the page


def test_the_page_has_tables_bars_and_curves(runs, tmp_path, capsys):
    main(["compare", *runs, "-o", "here/page.html"])
    assert "report: here/page.html" in capsys.readouterr().out
    assert list((tmp_path / "here").iterdir()) == [tmp_path / "here/page.html"]
    assert not (tmp_path / "runs").exists()
    page = Page((tmp_path / "here/page.html").read_text())
    assert ["cmc", "iic", "pretrain"] in page.rows
    assert ["joint.top1", "0.5", "0.25", "–"] in page.rows
    assert ["per_class.spin.top1", "–", "0.5", "–"] in page.rows
    assert [bar["style"] for bar in page.of_class("measured")] == [f"width: {v}%" for v in (50.0, 25.0, 75.0, 87.5)]
    assert "train/loss" in page.texts
    assert len(page.of_class("line")) == 1


def test_only_accuracies_that_differ_have_a_best_one(runs, tmp_path):
    main(["compare", *runs, "-o", "page.html"])
    page = Page((tmp_path / "page.html").read_text())
    values = [value for row in page.rows if len(row) == 4 for value in row[1:]]
    cells = page.of_tag("td")
    best = [value for value, cell in zip(values, cells, strict=False) if "best" in cell["class"]]
    assert best == ["0.5", "0.875"]


def test_a_run_folder_of_its_own_holds_page_and_numbers(runs, tmp_path):
    main(["compare", *runs[:2]])
    (folder,) = (tmp_path / "runs/compare").iterdir()
    assert (folder / "report.html").is_file()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["cmc"]["joint.top5"] == 0.75
    assert metrics.keys() == {"cmc", "iic"}


def test_on_a_narrow_terminal_runs_come_a_few_at_a_time(runs, capsys, monkeypatch):
    monkeypatch.setattr(console, "_width", 35)
    main(["compare", *runs])
    output = capsys.readouterr().out
    assert max(map(len, output.splitlines()[:-1])) <= 35
    assert output.count("joint.top1") > 1


def test_six_runs_stand_side_by_side_at_80_columns(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(console, "_width", 80)
    metrics = {"residual_unscaled": {"top1": 0.1234, "map": 0.4321}, "train": {"clips_per_second": 12345.6}}
    views = [["rgb", "residual_unscaled"], ["residual"]] * 3
    runs = [write_run(tmp_path / f"run-{n}", metrics, {"VIEWS": view}) for n, view in enumerate(views)]
    main(["compare", *runs])
    lines = capsys.readouterr().out.splitlines()
    assert [f"{number}: run-{number - 1}" for number in range(1, 7)] == lines[:6]
    assert max(map(len, lines[:-1])) <= 80
    heads = [line.replace("┃", "").split() for line in lines if "┃" in line]
    assert heads == [["1", "2", "3", "4", "5", "6"]] * 2  # of the numbers and of the configurations
    assert "".join(lines).count("0.1234") == 6
    assert "".join(lines).count("12,346") == 6


def test_names_are_made_longer_where_they_do_not_differ(tmp_path, capsys):
    same = [write_run(tmp_path / f"2025010{day}-000000-iic", {"top1": day / 10}) for day in (1, 2)]
    other = write_run(tmp_path / "20250103-000000-cmc", {"top1": 0.3})
    main(["compare", *same, other])
    assert capsys.readouterr().out.startswith("1: 20250101-000000-iic\n2: 20250102-000000-iic\n3: cmc\n")


def refusal(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        main(["compare", *map(str, arguments)])
    assert exit.value.code == 2
    return capsys.readouterr().err


def test_what_cannot_be_compared_is_refused_by_name(runs, tmp_path, capsys):
    assert "two run folders or more" in refusal(runs[:1], capsys)
    assert "named twice" in refusal([runs[0], runs[0]], capsys)
    assert f"{tmp_path}: not the folder of a run" in refusal([runs[0], tmp_path], capsys)
    assert "nowhere: not the folder of a run" in refusal([runs[0], "nowhere"], capsys)
    damaged = tmp_path / "20250104-000000-damaged"
    write_run(damaged)
    (damaged / "metrics.json").write_text('{"top1": ')
    assert f"{damaged / 'metrics.json'}: cannot be read" in refusal([runs[0], damaged], capsys)
    (damaged / "metrics.json").write_text("[1, 2]")
    assert "expected names with values" in refusal([runs[0], damaged], capsys)
    assert not (tmp_path / "runs").exists()
