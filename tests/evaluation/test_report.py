import re

import pytest
import torch
from parsed_page import Page, html_of

from iic_ptv.errors import InputError
from iic_ptv.evaluation.report import Report, write_report
from iic_ptv.evaluation.sections import (
    ConfusionMatrix,
    ContactSheet,
    Curves,
    FeatureMap,
    FilmStrip,
    Gallery,
    GalleryRow,
    SheetRow,
    SimilarityMatrix,
    Table,
    Tile,
    Tiles,
    TopK,
)

LINE = [(0.0, 1.0), (1.0, 2.0)]


def every_section(text):
    """One of every kind, with ``text`` wherever a text can be."""
    clip = torch.rand(3, 4, 16, 16)
    strip = FilmStrip(clip, text, text, similarity=0.5, correct=True, note=text, href=text)
    return [
        Tiles([Tile(text, text, text, colour=text, unit=text)]),
        TopK({text: {1: 0.5}}, {1: 0.1}, {text: {1: 0.4}}, text, text, text),
        Curves({text: {text: LINE}}, text),
        Gallery([GalleryRow(strip, {text: [strip]})], text, text),
        ConfusionMatrix(torch.tensor([[1, 2], [3, 4]]), [text, text], text),
        FeatureMap(torch.rand(3, 2), torch.tensor([0, 1, 0]), [text, text], [text] * 3, {1: clip}, text, text),
        Table(text, [text, text], [[text, text]], text),
        SimilarityMatrix(torch.eye(2), [text, text], text, text),
        ContactSheet([SheetRow(text, clip, text)], text, text),
    ]


def test_says_what_was_done_and_how_to_repeat_it(tmp_path):
    page = Page(
        html_of(
            tmp_path,
            Tiles([Tile("top-1", "62.5")]),
            config_text="LOSS:\n  TEMPERATURE: 0.07",
            versions={"torch": "2.15.0"},
            command="iic quickstart",
        )
    )
    for text in ("A title", "A summary.", "torch", "2.15.0", "iic quickstart", "Configuration"):
        assert text in page.texts
    assert any("TEMPERATURE: 0.07" in text for text in page.texts)
    assert "How to reproduce" not in Page(html_of(tmp_path, Tiles([Tile("top-1", "62.5")]))).texts


def test_sections_stand_in_their_order(tmp_path):
    sections = [Table(name, ["", "x"], [["a", 1]]) for name in ("first", "third")]
    sections.insert(1, Curves({"second": {"IIC": LINE}}))
    headings = [text for text in Page(html_of(tmp_path, *sections)).texts if text in ("first", "second", "third")]
    assert headings == ["first", "second", "third"]


def test_figures_next_to_each_other_share_a_grid(tmp_path):
    figures = [TopK({"IIC": {1: 0.5}}), Curves({"Loss (nats)": {"IIC": LINE}})]
    assert len(Page(html_of(tmp_path, *figures)).of_class("figures")) == 1
    apart = [figures[0], Table("between", ["", "x"], [["a", 1]]), figures[1]]
    assert len(Page(html_of(tmp_path, *apart)).of_class("figures")) == 2


def test_a_network_has_one_colour_in_all_sections(tmp_path):
    networks = ("moco", "IIC", "simclr", "CMC", "Untrained")
    tiles = Tiles([Tile(name, "1", colour=name) for name in networks])
    curves = Curves({"Loss (nats)": dict.fromkeys(reversed(networks), LINE)})
    page = Page(html_of(tmp_path, tiles, curves))
    of_tiles = [tile["class"].split()[-1] for tile in page.of_class("tile")]
    assert of_tiles == ["purple", "orange", "green", "blue", "grey"]
    assert [line["class"].split()[-1] for line in page.of_class("line")] == of_tiles[::-1]


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    html = html_of(tmp_path, *every_section("text"), config_text="text", versions={"text": "text"}, command="text")
    assert re.findall(r"https?://[^\s\"'<)]+", html) == ["https://arxiv.org/abs/2008.02531"]
    urls = re.findall(r"url\(([^)]*)\)", html)
    assert len(urls) == 4
    assert all(url.startswith("data:image/webp;base64,") for url in urls)
    loading = [tag for tag, attrs in Page(html).elements if tag in {"script", "link", "iframe"} or "src" in attrs]
    assert loading == []


def test_names_cannot_break_out_of_the_page(tmp_path):
    evil = "</style></title><script>alert('\"&')</script>"
    html = html_of(
        tmp_path, *every_section(evil), title=evil, summary=evil, config_text=evil, versions={evil: evil}, command=evil
    )
    page = Page(html)
    assert "<script" not in html
    assert not [tag for tag, attrs in page.elements if any(name.startswith("on") for name in attrs)]
    harmless = Page(html_of(tmp_path, *every_section("x"), title="x", summary="x", command="x", config_text="x"))
    assert [tag for tag, _ in page.elements if tag in ("h1", "h2", "figure", "svg")] == [
        tag for tag, _ in harmless.elements if tag in ("h1", "h2", "figure", "svg")
    ]


def test_only_styles_of_the_sections_at_hand_are_in_the_page(tmp_path):
    html = html_of(tmp_path, Tiles([Tile("top-1", "62.5")]))
    assert ".tile-value" in html
    assert ".confusion" not in html


def test_a_report_on_nothing_is_refused(tmp_path):
    with pytest.raises(InputError, match="sections is empty"):
        write_report(tmp_path / "report.html", Report("A title", "A summary.", []))
    assert list(tmp_path.iterdir()) == []


def test_an_old_page_stays_if_the_new_one_cannot_be_made(tmp_path):
    path = tmp_path / "report.html"
    write_report(path, Report("old", "", [Tiles([Tile("top-1", "62.5")])]))
    no_clip = ContactSheet([SheetRow("rgb", torch.zeros(1, 2, 3))])
    with pytest.raises(InputError, match=r"\(3, T, H, W\)"):
        write_report(path, Report("new", "", [no_clip]))
    assert "old" in Page(path.read_text()).texts
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").touch()
    page = tmp_path / "file" / "report.html"
    with pytest.raises(InputError, match=r"report\.html: the page cannot be written there"):
        write_report(page, Report("Title", "Summary", [Tiles([Tile("label", "1")])]))
