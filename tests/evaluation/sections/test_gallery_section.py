import dataclasses

import pytest
import torch
from parsed_page import Page, html_of

from iic_ptv.evaluation.sections import FilmStrip, Gallery, GalleryRow


def strip(class_name="", video_name="v.mp4", **options):
    return FilmStrip(torch.rand(3, 8, 16, 24), class_name, video_name, **options)


def test_verdicts_are_words_and_symbols(tmp_path):
    row = GalleryRow(
        strip("query class"),
        {
            "Untrained": [strip("random class", similarity=0.5, correct=False)],
            "IIC": [strip("near class", similarity=0.98765, correct=True), strip("far class", correct=False)],
        },
    )
    page = Page(html_of(tmp_path, Gallery([row], "A note.")))
    assert [text for text in page.texts if text.endswith(("Query", " class", "correct", "wrong", "finds"))] == [
        *("Query", "query class", "Untrained finds", "✗ wrong", "random class"),
        *("IIC finds", "✓ correct", "near class", "✗ wrong", "far class"),
    ]
    assert "0.988" in page.texts
    assert any(text.startswith("A note.") for text in page.texts)


def test_a_search_has_no_classes_no_verdicts_and_no_network(tmp_path):
    hit = strip(similarity=0.9, note="at 0:12.5", href="file:///videos/hit.mp4#t=12.5", video_name="hit.mp4")
    page = Page(html_of(tmp_path, Gallery([GalleryRow(strip(), {"": [hit]})])))
    assert not any("finds" in text or "correct" in text or "wrong" in text for text in page.texts)
    assert page.texts.count("Query") == 1
    assert {"at 0:12.5", "0.900"} <= set(page.texts)
    assert page.of_class("video-name")[1]["href"] == "file:///videos/hit.mp4#t=12.5"
    assert "href" not in page.of_class("video-name")[0]


@pytest.mark.parametrize(("lasts", "plays"), [(0.0, "0.5s"), (0.6, "0.6s"), (2.0, "2s"), (100.0, "8s")])
def test_clips_play_at_their_own_speed_if_an_eye_can_follow(tmp_path, lasts, plays):
    html = html_of(tmp_path, Gallery([GalleryRow(dataclasses.replace(strip(), seconds=lasts), {})]))
    assert f"--seconds: {plays}" in Page(html).of_class("strip")[0]["style"]


def test_a_frame_keeps_its_shape(tmp_path):
    style = Page(html_of(tmp_path, Gallery([GalleryRow(strip(), {})]))).of_class("strip")[0]["style"]
    assert "--frames: 8" in style
    assert "--aspect: 1.5000" in style
