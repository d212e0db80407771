from parsed_page import Page, html_of

from iic_ptv.evaluation.sections import TopK

ACCURACY = {"Untrained": {1: 0.1254, 5: 0.4}, "IIC": {1: 0.625, 5: 0.8}}


def test_bars_have_the_values(tmp_path):
    page = Page(html_of(tmp_path, TopK(ACCURACY, {1: 0.125, 5: 0.45})))
    assert [bar["style"] for bar in page.of_class("bar")] == [f"width: {value}%" for value in (12.5, 62.5, 40.0, 80.0)]
    assert {mark["style"] for mark in page.of_class("chance-mark")} == {"left: 12.5%", "left: 45.0%"}
    assert [text for text in page.texts if text in ("12.5", "62.5", "40.0", "80.0")] == ["12.5", "62.5", "40.0", "80.0"]


def test_reported_figures_are_called_and_drawn_so(tmp_path):
    page = Page(html_of(tmp_path, TopK(ACCURACY, reported={"CMC": {1: 0.264}})))
    assert len(page.of_class("measured")) == 4
    assert [bar["style"] for bar in page.of_class("reported")] == ["width: 26.4%"]
    assert "reported: CMC" in page.texts
    assert any("reported by the paper, not measured here" in text for text in page.texts)


def test_what_is_not_there_is_not_explained(tmp_path):
    page = Page(html_of(tmp_path, TopK({"IIC": {1: 0.6}})))
    assert not page.of_class("chance-mark")
    assert not any("chance" in text or "reported" in text for text in page.texts)


def test_networks_may_know_different_k(tmp_path):
    page = Page(html_of(tmp_path, TopK({"CMC": {1: 0.5}, "IIC": {1: 0.6, 10: 0.7}})))
    assert [text for text in page.texts if text.startswith("top-")] == ["top-1", "top-10"]
    assert len(page.of_class("bar")) == 3
