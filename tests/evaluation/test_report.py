import dataclasses
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.evaluation.report import FilmStrip, GalleryRow, NetworkResult, Report, write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
VOID_ELEMENTS = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """A parsed page; refuses tags that do not balance."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"] and data.strip():
            self.texts.append(" ".join(data.split()))

    def of_class(self, name):
        return [attrs for _, attrs in self.elements if name in (attrs.get("class") or "").split()]


def strip(class_name="orbit", video_name="v.mp4", **options):
    return FilmStrip(torch.rand(3, 8, 16, 16), class_name, video_name, **options)


@pytest.fixture
def report():
    def curve(scale):
        return [(step, scale / (1 + step)) for step in range(50)]

    networks = [
        NetworkResult("random", "Untrained", {1: 0.1254, 5: 0.4}),
        NetworkResult("cmc", "CMC", {1: 0.5, 5: 0.75}, {"Loss (nats)": curve(8)}),
        NetworkResult("iic", "IIC", {1: 0.625, 5: 0.8}, {"Loss (nats)": curve(9), "Own intra-negative (%)": curve(1)}),
    ]
    row = GalleryRow(
        strip("query class"),
        {
            "random": [strip("random class", similarity=0.5, correct=False)],
            "iic": [strip("near class", similarity=0.98765, correct=True), strip("far class", correct=False)],
        },
    )
    return Report(
        title="A title",
        summary="A summary.",
        networks=networks,
        chance={1: 0.125, 5: 0.45},
        gallery=[row, row],
        gallery_note="A note.",
        config_text="LOSS:\n  TEMPERATURE: 0.07",
        versions={"torch": "2.15.0"},
        command="iic quickstart",
    )


@pytest.fixture
def written(tmp_path):
    def write(report):
        path = tmp_path / "new folder" / "report.html"
        write_report(path, report)
        return path.read_text(encoding="utf-8")

    return write


def test_says_everything(report, written):
    texts = Page(written(report)).texts
    for text in ("A title", "A summary.", "Untrained", "CMC", "IIC", "Loss (nats)", "Own intra-negative (%)"):
        assert text in texts
    for text in ("training step", "queries with a hit (%)", "top-1", "top-5", "2.15.0", "iic quickstart"):
        assert text in texts
    assert any("TEMPERATURE: 0.07" in text for text in texts)
    assert any(text.startswith("A note.") for text in texts)


def test_figures_have_the_values(report, written):
    html = written(report)
    page = Page(html)
    bars = [bar["style"] for bar in page.of_class("bar")]
    assert bars == [f"width: {value}%" for value in (12.5, 50.0, 62.5, 40.0, 75.0, 80.0)]
    assert {mark["style"] for mark in page.of_class("chance-mark")} == {"left: 12.5%", "left: 45.0%"}
    assert page.texts.count("62.5") == 2  # tile and bar
    assert "top-1 retrieval, 5.0 × chance" in page.texts
    assert len(page.of_class("line")) == 3
    assert len(page.of_class("tile")) == 4


def test_gallery_names_verdict_in_words_and_symbols(report, written):
    page = Page(written(report))
    assert len(page.of_class("query-card")) == 2
    assert len(page.of_class("strip")) == 2 * 4
    first_card = page.texts[page.texts.index("Query") : len(page.texts) - page.texts[::-1].index("Query") - 1]
    assert [text for text in first_card if text.endswith((" class", "correct", "wrong", "finds"))] == [
        "query class",
        *("Untrained finds", "✗ wrong", "random class"),
        *("IIC finds", "✓ correct", "near class", "✗ wrong", "far class"),
    ]
    assert "0.988" in first_card


def test_nothing_is_loaded_from_elsewhere(report, written):
    html = written(report)
    assert re.findall(r"https?://[^\s\"'<)]+", html) == ["https://arxiv.org/abs/2008.02531"]
    assert all(url.startswith("data:image/webp;base64,") for url in re.findall(r"url\(([^)]*)\)", html))
    loading = [tag for tag, attrs in Page(html).elements if tag in {"script", "link", "iframe"} or "src" in attrs]
    assert loading == []


def test_names_cannot_break_out_of_the_page(report, written):
    evil = "</style></title><script>alert('\"&')</script>"
    hostile = dataclasses.replace(
        report,
        title=evil,
        networks=[NetworkResult("iic", evil, {1: 0.5}, {evil: [(0.0, 1.0), (1.0, 2.0)]})],
        gallery=[GalleryRow(strip(evil, evil), {"iic": [strip(evil, evil, correct=True)]})],
        gallery_note=evil,
        config_text=evil,
        versions={evil: evil},
        command=evil,
        curve_axis=evil,
    )
    html = written(hostile)
    page = Page(html)
    assert "<script" not in html
    assert {"title", "h1", "pre"} <= {tag for tag, _ in page.elements}
    assert page.texts.count(evil) == 15  # every place above but the note, which stands in a longer text


@pytest.mark.parametrize(
    ("change", "absent"),
    [
        ({"gallery": []}, "Queries and their nearest neighbours"),
        ({"networks": [NetworkResult("iic", "IIC", {1: 0.6}, {"Loss (nats)": []})]}, "Loss (nats)"),
        ({"networks": [NetworkResult("iic", "IIC", {1: 0.6}, {"Loss (nats)": [(0, math.nan)]})]}, "Loss (nats)"),
        ({"networks": [NetworkResult("iic", "IIC", {1: 0.6})]}, "CMC"),
        ({"chance": {}}, "Chance"),
        ({"command": "", "config_text": "", "versions": {}}, "How to reproduce"),
    ],
)
def test_what_is_not_there_leaves_no_gap(report, written, change, absent):
    page = Page(written(dataclasses.replace(report, **change)))
    assert absent not in page.texts
    assert "IIC" in page.texts


def test_networks_keep_their_colour_and_new_ones_get_a_free_one(report, written):
    networks = [NetworkResult(name, name, {1: 0.5}) for name in ("moco", "iic", "simclr", "cmc")]
    page = Page(written(dataclasses.replace(report, networks=networks, gallery=[])))
    colours = [tile["class"].split()[-1] for tile in page.of_class("tile")[:4]]
    assert colours == ["purple", "orange", "green", "blue"]


def test_a_report_on_nothing_is_refused(report, tmp_path):
    with pytest.raises(InputError, match="networks is empty"):
        write_report(tmp_path / "report.html", dataclasses.replace(report, networks=[]))
    assert not (tmp_path / "report.html").exists()


def in_chromium(path, profile):
    """The page's DOM as Chromium has it at phone width, and what Chromium logs."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--window-size=390,900"]
    command = [CHROMIUM, *options, f"--user-data-dir={profile}", "--dump-dom", path.as_uri()]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return result.stdout, result.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (chromium, chromium-browser or google-chrome) on the PATH")
def test_in_a_browser(report, written, tmp_path):
    """Chromium shows the gallery, has nothing to complain of, fits the page to a phone and plays the clips."""
    probe = """<script>
      const player = document.querySelector(".query-card .player");
      const page = document.documentElement;
      page.dataset.fits = page.scrollWidth <= window.innerWidth;
      // A headless window may not have the focus that starts the strips; so give the player the rule itself.
      const rules = [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
        .flatMap(rule => rule.media && matchMedia(rule.conditionText).matches ? [...rule.cssRules] : [rule]);
      const playing = rules.find(rule => (rule.selectorText || "").includes(".query-card:focus .player"));
      player.style.animation = playing.style.animation;
      page.dataset.animation = getComputedStyle(player).animationName;
      page.dataset.timing = getComputedStyle(player).animationTimingFunction;
      console.log("the probe ran");
    </script></body>"""
    path = tmp_path / "probed.html"
    path.write_text(written(report).replace("</body>", probe), encoding="utf-8")
    dom, log = in_chromium(path, tmp_path / "profile")
    assert dom.count('class="query-card"') == 2
    console = [line for line in log.splitlines() if "CONSOLE" in line]
    assert len(console) == 1
    assert "the probe ran" in console[0]
    assert 'data-fits="true"' in dom
    assert 'data-animation="play"' in dom
    assert 'data-timing="steps(8, jump-none)"' in dom
