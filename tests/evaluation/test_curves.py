import math

import pytest
from lightning.pytorch.loggers import CSVLogger

from iic_ptv.errors import InputError
from iic_ptv.evaluation.curves import by_title, read_curves


def test_reads_back_what_lightning_writes(tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    logger.log_metrics({"loss": 9.5, "epoch": 0}, step=0)
    logger.log_metrics({"loss": 8.25, "epoch": 0}, step=10)
    logger.log_metrics({"top1": 0.5, "epoch": 1}, step=19)
    logger.log_metrics({"loss": float("nan"), "epoch": 2}, step=20)
    logger.save()
    curves = read_curves(tmp_path / "metrics.csv")
    assert curves.keys() == {"loss", "top1"}
    assert curves["top1"] == [(19, 0.5)]
    assert curves["loss"][:2] == [(0, 9.5), (10, 8.25)]
    assert curves["loss"][2][0] == 20
    assert math.isnan(curves["loss"][2][1])
    assert read_curves(tmp_path / "metrics.csv", x="epoch")["top1"] == [(1, 0.5)]


def test_a_last_row_cut_short_by_a_crash_counts_as_blank(tmp_path):
    (tmp_path / "metrics.csv").write_text("epoch,step,loss,top1\n0,1,5.0,0.1\n0,2,4.0")
    assert read_curves(tmp_path / "metrics.csv") == {"loss": [(1, 5), (2, 4)], "top1": [(1, 0.1)]}


def test_an_empty_log_has_no_curves(tmp_path):
    (tmp_path / "metrics.csv").touch()
    assert read_curves(tmp_path / "metrics.csv") == {}


@pytest.mark.parametrize(
    "content", [b"loss\n1.0\n", b"step,loss\n1,abc\n", b"step,loss\n1,2,3\n", b"step,loss\n,2\n", b"\xff\xfe\x00\x01"]
)
def test_what_is_no_log_is_refused_by_name(tmp_path, content):
    (tmp_path / "metrics.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"metrics\.csv"):
        read_curves(tmp_path / "metrics.csv")


def test_a_missing_log_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"metrics\.csv"):
        read_curves(tmp_path / "metrics.csv")


def test_networks_share_the_titles_that_they_have():
    loss, top1 = [(0, 9.0)], [(0, 0.5)]
    found = by_title({"CMC": {"loss": loss}, "IIC": {"top1": top1, "loss": loss}, "Untrained": {}})
    assert found == {"loss": {"CMC": loss, "IIC": loss}, "top1": {"IIC": top1}}
    assert list(found) == ["loss", "top1"]
