"""The ablation at its smallest: all figures of a network, its table, and the measure of how temporal features are."""

import itertools
import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from iic_ptv.config import load_config
from iic_ptv.runs.build import build_task
from projects import rendered_motions
from projects.ablation import show, study
from projects.ablation.temporality import temporality
from projects.finished_runs import RunFailedError

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16"),
    *("MODEL.OPTIONS.width", "0.0625", "OPTIM.EPOCHS", "1", "EVAL.NUM_CLIPS", "1", "PROBE.DRAWS", "2"),
    *("LOSS.NUM_NEGATIVES", "4", "OPTIM.SCHEDULE", "constant", "OPTIM.WARM_UP", "0", "DATA.STRIDE", "1"),
]


def figures_of(bench: study.Bench, arm: str, output: Path) -> dict[str, float]:
    return study.measure(output, bench, f"{arm}-seed0", study.ALL_ARMS[arm], 0, SMALL)


@pytest.fixture
def rendered(two_motions: Path) -> study.Bench:
    return study.Bench("Rendered", "procedural", tuple(study.ALL_ARMS), lambda _: two_motions, lambda _: two_motions)


@pytest.mark.slow
def test_a_network_is_measured_once_and_in_all_respects(rendered: study.Bench, tmp_path: Path) -> None:
    output = tmp_path / "runs"
    figures = {arm: figures_of(rendered, arm, output) for arm in ("untrained", "repeat")}
    assert all(list(values) == list(study.MEASURES) for values in figures.values())
    assert all(0 <= values[name] <= 1 for values in figures.values() for name in list(values)[:-3])
    assert figures["untrained"]["still"] != figures["repeat"]["still"]
    runs = sorted(output.glob("*/*"))
    assert [run.parent.name for run in runs].count("pretrain") == 1
    assert figures_of(rendered, "repeat", output) == figures["repeat"]
    assert sorted(output.glob("*/*")) == runs
    assert set(study.MEASURES) - set(figures_of(rendered, "temperature_low", output)) == {"fine-tuned"}


def test_videos_that_look_alike_are_pre_trained_on_alone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(rendered_motions, "TRAIN_PER_MOTION", 1)
    monkeypatch.setattr(rendered_motions, "TEST_PER_MOTION", 1)
    bench = study.benches(tmp_path, None)["alike"]
    records = [json.loads((folder(0) / "rendering.json").read_text()) for folder in (bench.videos, bench.unlabelled)]
    assert [record["appearances"] for record in records] == [None, study.LOOKS]


def test_what_fails_is_said(rendered: study.Bench, tmp_path: Path) -> None:
    with pytest.raises(RunFailedError, match="iic pretrain has written no metrics for repeat-seed0"):
        study.measure(
            tmp_path, rendered, "repeat-seed0", study.ALL_ARMS["repeat"], 0, [*SMALL, "OPTIM.SCHEDULE", "sideways"]
        )


@pytest.mark.parametrize("arm", [name for name, arm in study.ALL_ARMS.items() if arm.options is not None])
def test_every_arm_is_a_task(arm: str) -> None:
    cfg = load_config(Path(study.HERE) / "procedural.yaml", [*SMALL, *(study.ALL_ARMS[arm].options or ())])
    assert build_task(cfg, 10, 100).loss is not None


def test_every_arm_differs_from_all_others() -> None:
    assert len({arm.options for arm in study.ALL_ARMS.values()}) == len(study.ALL_ARMS)
    assert len({(arm.group, arm.label) for arm in study.ALL_ARMS.values()}) == len(study.ALL_ARMS)


def rows_of(table: str) -> dict[str, list[str]]:
    """Cells of a Markdown table by the first one of their line, all of which have as many."""
    lines = table.splitlines()
    assert len({line.count("|") for line in lines}) == 1
    return {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines}


def test_the_table_and_the_picture_have_what_was_measured(tmp_path: Path) -> None:
    for seed, value in ((0, 0.2), (1, 0.4)):
        file = study.result_file(tmp_path, "procedural", "cmc", seed)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(dict.fromkeys(study.MEASURES, value)))
    known = {"procedural": {"untrained": {"0": dict.fromkeys(study.MEASURES, 0.1)}}}
    figures = show.collect(tmp_path, known)
    rows = rows_of(show.table(figures, show.level))
    assert rows["CMC: none"][:2] == ["2", "30.0 ± 14.1"]
    assert rows["Untrained"][:2] == ["1", "10.0"]
    show.picture(figures, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_an_arm_is_compared_with_its_base_of_the_same_seed() -> None:
    cmc = {seed: {"k-NN, joint": value} for seed, value in (("0", 0.1), ("1", 0.2), ("2", 0.3))}
    repeat = {seed: {"k-NN, joint": value} for seed, value in (("0", 0.2), ("1", 0.4), ("2", 0.4), ("3", 0.9))}
    figures = {"procedural": {"cmc": cmc, "repeat": repeat, "rgb": {"0": {"k-NN, joint": 0.1}}}}
    found = show.differences(figures)["procedural"]
    assert found.keys() == {"repeat", "rgb"}  # nothing untrained to compare CMC with
    assert [each["k-NN, joint"] for each in found["repeat"].values()] == pytest.approx([0.1, 0.2, 0.1])
    assert rows_of(show.table({"procedural": found}, show.change))["RGB again"][0] == "1"


@pytest.mark.parametrize(
    ("differences", "said"),
    [([], "–"), ([0.1, 0.2], "+15.0"), ([-0.1, -0.2, -0.3], "**-20.0**"), ([-0.1, 0.2, 0.2], "+10.0")],
)
def test_a_change_is_bold_where_three_seeds_agree(differences: list[float], said: str) -> None:
    assert show.change(differences) == said


def test_bases_are_arms_and_lead_to_the_untrained_network() -> None:
    for arm in study.ALL_ARMS.values():
        while arm.base is not None:
            arm = study.ALL_ARMS[arm.base]
        assert arm is study.ALL_ARMS["untrained"]


class MeanOverTime(nn.Module):
    """Blind to the order of frames."""

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return clips.mean(dim=2).flatten(1)


def test_temporality_is_the_share_of_the_distance_between_videos() -> None:
    torch.manual_seed(0)
    batches = [torch.rand(3, 3, 8, 2, 2), torch.rand(2, 3, 8, 2, 2)]
    found = temporality(nn.Flatten(), batches)
    features = F.normalize(torch.cat(batches).flatten(1), dim=1)
    pairs = [(a - b).square().sum() for a, b in itertools.permutations(features, 2)]
    turned = F.normalize(torch.cat(batches).flip(2).flatten(1), dim=1)
    expected = (features - turned).square().sum(1).mean() / torch.stack(pairs).mean()
    assert found["reversed"] == pytest.approx(float(expected), rel=1e-5)
    assert found == temporality(nn.Flatten(), batches)


def test_a_network_that_is_blind_to_order_has_none() -> None:
    found = temporality(MeanOverTime(), [torch.rand(4, 3, 8, 2, 2)])
    assert found["reversed"] == pytest.approx(0, abs=1e-6)
    assert found["shuffled"] == pytest.approx(0, abs=1e-6)
    assert found["still"] > 0.1
