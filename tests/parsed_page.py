"""Reports as tests read them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from iic_ptv.evaluation.report import Report, write_report
from iic_ptv.evaluation.sections import Section

VOID_ELEMENTS = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """A parsed page; refuses tags that do not balance.

    Attributes:
        elements: tag and attributes of every element, in order.
        texts: all texts, in order.
        rows: the texts of every row of every table.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        text = " ".join(data.split())
        if self.open[-1:] != ["style"] and text:
            self.texts.append(text)
            if "tr" in self.open:
                self.rows[-1].append(text)

    def of_class(self, name: str) -> list[dict]:
        return [attrs for _, attrs in self.elements if name in (attrs.get("class") or "").split()]

    def of_tag(self, name: str) -> list[dict]:
        return [attrs for tag, attrs in self.elements if tag == name]


def html_of(folder: Path, *sections: Section, **report: object) -> str:
    """The page of a report on these sections."""
    path = folder / "new folder" / "report.html"
    write_report(path, Report(**{"title": "A title", "summary": "A summary.", "sections": sections, **report}))
    return path.read_text(encoding="utf-8")
