import math

import pytest
from parsed_page import Page, html_of

from iic_ptv.evaluation.sections import Curves

LINE = [(0.0, 1.0), (10.0, 3.0)]


def test_curves_of_a_title_share_a_chart(tmp_path):
    curves = {"Loss (nats)": {"CMC": LINE, "IIC": LINE[::-1]}, "Own intra-negative (%)": {"IIC": LINE}}
    page = Page(html_of(tmp_path, Curves(curves, axis="epoch")))
    assert len(page.of_class("figure")) == 2
    assert len(page.of_class("line")) == 3
    assert {"Loss (nats)", "Own intra-negative (%)", "epoch"} <= set(page.texts)
    assert [text for text in page.texts if text in ("CMC", "IIC")] == ["CMC", "IIC", "IIC"]


@pytest.mark.parametrize("curve", [[], [(0, math.nan)]])
def test_a_title_without_a_point_has_no_chart(tmp_path, curve):
    page = Page(html_of(tmp_path, Curves({"Loss (nats)": {"IIC": curve}, "Top-1 (%)": {"IIC": LINE}})))
    assert "Loss (nats)" not in page.texts
    assert len(page.of_class("figure")) == 1
