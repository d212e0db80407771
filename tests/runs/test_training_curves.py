"""The curves of a run are those of all its parts."""

from pathlib import Path

from iic_ptv.runs.training_curves import shown_curves, training_curves


def log(folder: Path, part: int, rows: list[str]) -> None:
    file = folder / "logs" / f"version_{part}" / "metrics.csv"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(["epoch,step,train/loss,train/positive_probability", *rows]) + "\n")


def test_what_was_trained_twice_counts_as_the_resumed_part_has_it(tmp_path: Path) -> None:
    log(tmp_path, 0, ["0,10,5,0.1", "0,20,4,", "1,30,9,0.9"])
    log(tmp_path, 1, [])
    log(tmp_path, 2, ["1,25,3,", "1,35,2,0.5"])
    log(tmp_path, 10, ["2,45,1,"])
    assert training_curves(tmp_path) == {
        "train/loss": [(10, 5), (20, 4), (25, 3), (35, 2), (45, 1)],
        "train/positive_probability": [(10, 0.1), (35, 0.5)],
    }


def test_a_report_shows_percent(tmp_path: Path) -> None:
    log(tmp_path, 0, ["0,10,5,0.25"])
    assert shown_curves(tmp_path) == {"Loss (nats)": [(10, 5)], "Probability of the positive (%)": [(10, 25)]}


def test_a_run_without_logs_has_no_curves(tmp_path: Path) -> None:
    assert training_curves(tmp_path) == {}
