from parsed_page import Page, html_of

from iic_ptv.evaluation.sections import Tile, Tiles, top_k_tiles


def test_shows_label_value_unit_and_note(tmp_path):
    page = Page(html_of(tmp_path, Tiles([Tile("mAP", "41.0", "of 300 queries", unit="%")])))
    assert [text for text in page.texts if text in ("mAP", "41.0", "%", "of 300 queries")] == [
        *("mAP", "41.0", "%", "of 300 queries")
    ]


def test_accuracies_stand_beside_chance():
    tiles = top_k_tiles({"Untrained": {1: 0.1254, 5: 0.4}, "IIC": {1: 0.625, 5: 0.8}}, {1: 0.125, 5: 0.45}).tiles
    assert [(tile.label, tile.value, tile.unit) for tile in tiles] == [
        *(("Untrained", "12.5", "%"), ("IIC", "62.5", "%"), ("Chance", "12.5", "%"))
    ]
    assert tiles[1].note == "top-1 retrieval, 5.0 × chance"
    assert tiles[2].colour == ""


def test_chance_may_be_unknown():
    (tile,) = top_k_tiles({"IIC": {5: 0.625}}, {}, k=5).tiles
    assert (tile.value, tile.note) == ("62.5", "top-5 retrieval")
