"""Every kind of page that commands write, in Chromium: at the sizes of a desk and of a phone, light and dark."""

from __future__ import annotations

import shutil

import pytest
import torch
from parsed_page import html_of

from iic_ptv.cli.main import main
from iic_ptv.data.procedural import write_videos
from iic_ptv.evaluation.features import VideoFeatures
from iic_ptv.evaluation.gallery import gallery_rows
from iic_ptv.evaluation.published import reported_retrieval
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
    TopK,
    top_k_tiles,
)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs chromium, chromium-browser or google-chrome on the PATH"
)

SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")
DECODED = """async selector => {
    const sprites = [...document.querySelectorAll(selector)].map(
        element => getComputedStyle(element).backgroundImage.match(/url\\("(data:[^"]*)"\\)/)[1]);
    return Promise.all(sprites.map(async source => {
        const image = new Image();
        image.src = source;
        await image.decode();
        return image.naturalWidth * image.naturalHeight;
    }));
}"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """Open a page file; what the page complains of, or cannot load, fails the test."""
    complaints, contexts = [], []

    def open_page(path, size="desk", scheme="light"):
        contexts.append(browser.new_context(viewport=SIZES[size], color_scheme=scheme))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(request.url[:100]))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def clip(number):
    """A few frames in which something moves."""
    return torch.rand(3, 8, 20, 24, generator=torch.Generator().manual_seed(number))


def retrieval_sections(num_classes):
    names = [f"a_class_with_number_{number}" for number in range(num_classes)]
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(2 * num_classes) % num_classes
    videos = VideoFeatures(torch.randn(len(labels), 8, generator=generator), labels, [f"{i}.mp4" for i in labels])
    points = torch.rand(len(labels), 2, generator=generator) * torch.tensor([1.5, 1.0])
    points[:4] = torch.tensor([[0, 0], [0, 1], [1.5, 0], [1.5, 1]])  # where there is least room
    accuracy = {name: {1: 0.2, 5: 0.5, 10: 0.9} for name in ("Untrained", "CMC", "IIC")}
    chance = {1: 0.1, 5: 0.3, 10: 0.6}
    networks = dict.fromkeys(accuracy, videos)
    return [
        top_k_tiles(accuracy, chance),
        TopK(accuracy, chance, reported_retrieval("ucf101")),
        Gallery(gallery_rows(networks, networks, clip, clip, names, num_queries=2), "A note."),
        FeatureMap(points, labels, names, videos.names, {row: clip(row) for row in range(4)}),
        Table("Class by class", ["class", "videos", "top-1, %"], [[name, 2, 50.0] for name in names]),
    ]


def finetuning_sections(num_classes):
    names = [f"a_class_with_number_{number}" for number in range(num_classes)]
    curve = [(step, 1 / (1 + step)) for step in range(300)]
    confusion = torch.randint(5, (num_classes, num_classes), generator=torch.Generator().manual_seed(0))
    return [
        Curves({"Loss (nats)": {"training": curve, "validation": curve[::2]}, "Top-1 (%)": {"validation": curve}}),
        ConfusionMatrix(confusion, names),
    ]


def search_sections():
    found = [
        FilmStrip(clip(i), "", f"folder/{i}.mp4", 0.9, None, "at 0:01.0", "file:///videos/x.mp4") for i in range(9)
    ]
    return [Gallery([GalleryRow(FilmStrip(clip(9), "", "query.mp4"), {"": found})], title="Nearest videos")]


def inspection_sections():
    labels = ["rgb", "residual", "a view of a long name", "shuffle", "repeat", "rotate", "reverse"]
    rows = [SheetRow(label, clip(number), "what there is to see") for number, label in enumerate(labels)]
    return [ContactSheet(rows), SimilarityMatrix(torch.eye(len(labels)), labels)]


PAGES = {
    "retrieval": lambda: retrieval_sections(12),
    "retrieval of 101 classes": lambda: retrieval_sections(101),
    "fine-tuning": lambda: finetuning_sections(6),
    "fine-tuning of 101 classes": lambda: finetuning_sections(101),
    "search": search_sections,
    "inspection": inspection_sections,
}
COMMANDS = ("pretrain", "finetune", "retrieve", "probe", "inspect", "search", "compare")
LONG = "a/very/long/path/without/a/space/" * 5


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages by kind, of sections as commands make them."""
    folder = tmp_path_factory.mktemp("pages")
    for number, sections in enumerate(PAGES.values()):
        html_of(
            folder / str(number), *sections(), summary=LONG, command=LONG, config_text=LONG, versions={"torch": LONG}
        )
    return {name: folder / str(number) / "new folder" / "report.html" for number, name in enumerate(PAGES)}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Pages that commands have written, by command."""
    folder = tmp_path_factory.mktemp("written")
    videos = write_videos(
        folder / "data",
        motions=("bounce", "spin_clockwise"),
        train_per_class=4,
        test_per_class=2,
        num_frames=12,
        size=16,
        progress=False,
    )
    small = ["DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"]
    tiny = ["MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "OPTIM.EPOCHS", "1", "OPTIM.BATCH_SIZE", "4"]
    cpu = ["TRAINER.ACCELERATOR", "cpu", "EVAL.NUM_CLIPS", "2"]
    lists = [f"{videos}/splits/{name}list01.txt" for name in ("train", "test")]
    root, runs = str(videos / "videos"), folder / "runs"
    output = ["OUTPUT", str(runs)]
    main(["pretrain", "--data", root, "DATA.LISTS", f"['{lists[0]}']", *small, *tiny, *cpu, *output])
    (pretrained,) = (runs / "pretrain").iterdir()
    checkpoint = ["--checkpoint", str(pretrained)]
    video = str(next((videos / "videos").rglob("*.mp4")))
    for command in ("retrieve", "probe"):
        main([command, "--data", root, *checkpoint, "--query", lists[1], *output])
    main(["finetune", *checkpoint, "--train", lists[0], "--test", lists[1], "OPTIM.EPOCHS", "2", *output])
    main(["inspect", video, *checkpoint, *output])
    main(["index", root, *checkpoint, "-o", str(folder / "videos.index")])
    main(["search", str(folder / "videos.index"), video, "--html", str(runs / "search" / "hits" / "report.html")])
    compared = [str(next((runs / command).iterdir())) for command in ("pretrain", "retrieve", "probe")]
    main(["compare", *compared, "-o", str(runs / "compare" / "all" / "report.html")])
    return {command: next(runs.glob(f"{command}/*/report.html")) for command in COMMANDS}


def check_layout(page, size):
    """Nothing is wider than the screen, and every section has a place."""
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    for section in page.query_selector_all(".tiles, .figure, .part, .query-card, .sheet-row"):
        box = section.bounding_box()
        assert box["width"] > 200
        assert box["height"] > 20
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= SIZES[size]["width"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_pages_fit_the_screen(opened, pages, name, size):
    check_layout(opened(pages[name], size), size)


@pytest.mark.parametrize("command", COMMANDS)
def test_pages_of_commands_fit_the_screen(opened, written, command):
    for size in SIZES:
        check_layout(opened(written[command], size), size)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_read_in_light_and_dark(opened, pages, scheme):
    page = opened(pages["retrieval"], scheme=scheme)
    ink, paper = (
        page.evaluate(f"getComputedStyle(document.body).{name}.match(/[0-9]+/g).slice(0, 3).map(Number)")
        for name in ("color", "backgroundColor")
    )
    assert (sum(ink) > sum(paper)) == (scheme == "dark")
    assert abs(sum(ink) - sum(paper)) > 3 * 150


@pytest.mark.parametrize(("name", "strips"), [("retrieval", 2 * (1 + 3 * 3)), ("search", 10)])
def test_the_gallery_shows_its_film_strips(opened, pages, name, strips):
    for size in SIZES:
        page = opened(pages[name], size)
        for part in (".gallery .player", ".gallery .film"):
            assert page.locator(part).count() == strips
            assert all(area > 20 * 24 for area in page.evaluate(DECODED, part))
            assert all(
                each.is_visible() and each.bounding_box()["height"] > 10 for each in page.query_selector_all(part)
            )


@pytest.mark.parametrize(("command", "queries"), [("retrieve", 2), ("search", 1)])
def test_the_galleries_of_commands_show(opened, written, command, queries):
    page = opened(written[command])
    assert page.locator(".query-card").count() == queries
    areas = page.evaluate(DECODED, ".gallery .player")
    assert len(areas) > queries
    assert all(area > 0 for area in areas)


def animation_of(page, selector):
    return page.locator(selector).first.evaluate("element => getComputedStyle(element).animationName")


@pytest.mark.parametrize("card", [".query-card", ".sheet-row"])
def test_clips_play_when_pointed_at_or_focussed(opened, pages, card):
    page = opened(pages["retrieval" if card == ".query-card" else "inspection"])
    assert animation_of(page, f"{card} .player") == "none"
    page.locator(card).first.hover()
    assert animation_of(page, f"{card} .player") == "play"
    page.mouse.move(0, 0)
    page.locator(card).first.focus()
    assert animation_of(page, f"{card} .player") == "play"


@pytest.mark.parametrize("size", SIZES)
def test_a_point_of_the_map_shows_its_clip(opened, pages, size):
    page = opened(pages["retrieval"], size)
    dots = page.locator(".dot")
    assert dots.count() == 4
    for number in range(4):
        popup = dots.nth(number).locator(".popup")
        assert not popup.is_visible()
        dots.nth(number).hover()
        assert popup.is_visible()
        box = popup.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= SIZES[size]["width"]
        page.mouse.move(0, 0)
        assert not popup.is_visible()
        dots.nth(number).focus()
        assert popup.is_visible()
        dots.nth(number).blur()
    assert all(area > 0 for area in page.evaluate(DECODED, ".popup .player"))


def test_a_class_of_the_legend_stands_out_when_pointed_at(opened, pages):
    page = opened(pages["retrieval"])
    opacity = "paths => paths.map(path => Number(getComputedStyle(path).opacity))"
    before = page.locator(".legend path").evaluate_all(opacity)
    assert len(set(before)) == 1
    page.locator(".legend li").nth(3).hover()
    after = page.locator(".legend path").evaluate_all(opacity)
    assert [number for number, value in enumerate(after) if value == before[0]] == [3]
    assert max(value for number, value in enumerate(after) if number != 3) < 0.3
