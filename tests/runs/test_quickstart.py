"""The quickstart, on a few small videos: all its steps, and what it leaves."""

import json

import pytest

from iic_ptv.config import load_config
from iic_ptv.runs import quickstart as module
from iic_ptv.runs.training import peak_memory_gb

NETWORKS = ("random", "cmc", "iic")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TRAIN_PER_MOTION", 2)
        patch.setattr(module, "TEST_PER_MOTION", 1)
        patch.setattr(module, "NUM_FRAMES", 12)
        output = tmp_path_factory.mktemp("output")
        small = ["DATA.FRAME_SIZE", "[20, 20]", "DATA.CROP", "16", "MODEL.OPTIONS.width", "0.0625"]
        yield module.quickstart(
            ["OUTPUT", str(output), "OPTIM.EPOCHS", "2", "TRAINER.LOG_EVERY", "1", "SEED", "3", *small]
        )


def test_metrics_hold_all_three_networks(folder) -> None:
    metrics = json.loads((folder / "metrics.json").read_text())
    for name in NETWORKS:
        assert 0 <= metrics[name]["top1"] <= metrics[name]["top5"] <= 1
        assert metrics[name]["views"].keys() == {"rgb", "residual", "joint"}
    assert metrics["chance"]["top1"] == pytest.approx(1 / 12, abs=1e-3)
    assert metrics["seed"] == 3
    assert 0.1 < metrics["peak_memory_gb"] <= peak_memory_gb()  # of this process, which ran other tests, too


def test_the_report_shows_the_figures_the_curves_and_the_gallery(folder) -> None:
    page = (folder / "report.html").read_text()
    metrics = json.loads((folder / "metrics.json").read_text())
    for name in NETWORKS:
        assert f"{100 * metrics[name]['top1']:.1f}" in page
    assert "Loss (nats)" in page
    assert page.count("data:image/") >= 6 * (1 + 3 * 3)  # six queries with three neighbours for each network
    assert "v_translate_left_g01_c01" in page


def test_both_trainings_are_runs_that_differ_in_the_intra_negative_alone(folder) -> None:
    cmc, iic = (load_config(folder / name / "config.yaml") for name in ("cmc", "iic"))
    assert (cmc.INTRA_NEGATIVE, iic.INTRA_NEGATIVE) == ("none", "repeat")
    cmc.INTRA_NEGATIVE = iic.INTRA_NEGATIVE
    assert cmc == iic
    assert (folder / "iic/checkpoints/last.ckpt").exists()
    assert load_config(folder / "config.yaml") == iic
