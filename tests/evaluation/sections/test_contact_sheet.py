import torch
from parsed_page import Page, html_of

from iic_ptv.evaluation.sections import ContactSheet, SheetRow


def test_every_frame_of_every_clip_has_a_place(tmp_path):
    rows = [SheetRow("rgb", torch.rand(3, 16, 8, 8), "the clip"), SheetRow("repeat", torch.rand(3, 5, 8, 8))]
    page = Page(html_of(tmp_path, ContactSheet(rows, seconds=0.64)))
    assert [text for text in page.texts if text in ("rgb", "the clip", "repeat")] == ["rgb", "the clip", "repeat"]
    assert [frame["style"] for frame in page.of_tag("i")] == [
        f"--frame: {number}" for count in (16, 5) for number in range(count)
    ]
    assert all("--seconds: 0.64s" in row["style"] for row in page.of_class("sheet-row"))
