"""The documentation site builds without warnings, loads nothing from elsewhere, and its links lead somewhere."""

from __future__ import annotations

import math
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

pytest.importorskip("material", reason="needs pip install iic-ptv[docs]")

from iic_ptv import registry
from iic_ptv.cli.main import make_parser
from iic_ptv.config import RANGES, default_config
from projects.documentation import configuration
from projects.documentation.commands import command_reference
from projects.documentation.configuration import allowed, options
from projects.documentation.directives import public_names
from projects.documentation.figures import probabilities
from projects.documentation.formulas import with_formulas
from projects.documentation.links import PAGES, ROOT, with_site_links

DOCUMENTATION = ROOT / "projects" / "documentation"
LOADED = {"script": "src", "img": "src", "source": "src", "iframe": "src"}


class Page(HTMLParser):
    """What a page loads, where it links to, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places.update(given[name] for name in ("id", "name") if name in given)
        if tag in LOADED and LOADED[tag] in given:
            self.loaded.append(given[LOADED[tag]])
        if tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.append(given["href"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; strict, so that any warning ends the build."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "-f", DOCUMENTATION / "mkdocs.yml", "-d", folder]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text()) for path in site.rglob("*.html") if path.name != "404.html"}


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    loaded = {source for page in pages.values() for source in page.loaded}
    assert not [source for source in loaded if "//" in source and not source.startswith("data:")]
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert not re.search(r"@import|url\(['\"]?(https?:)?//", styles)


def test_every_link_leads_to_a_place_of_the_site(site: Path, pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            if re.match(r"\w+:", link):
                continue
            target, place = urldefrag(unquote(link))
            file = (path.parent / target).resolve() if target else path
            file = file / "index.html" if file.is_dir() else file
            if not file.exists() or (place and file in pages and place not in pages[file].places):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert not broken


def test_references_and_formulas_of_docstrings_are_rendered(site: Path) -> None:
    losses = (site / "reference" / "losses.html").read_text()
    assert losses.count('class="formula"') >= 2
    for path in (site / "reference").glob("*.html"):
        text = path.read_text()
        assert not re.search(r":(class|func|meth|data|attr|mod|math):|\.\. math|<autoref", text), path.name
    page = Page(losses)
    assert any(link.startswith("#iic_ptv.losses.") and link.endswith("ShardedMemoryBank") for link in page.links)


def test_public_names_are_described(site: Path) -> None:
    for package in ("transforms", "models", "losses", "evaluation", "search", "zoo"):
        page = Page((site / "reference" / f"{package}.html").read_text())
        described = {name.rsplit(".", 1)[-1] for name in page.places}
        assert set(public_names(f"iic_ptv.{package}")) <= described


def test_every_option_is_in_the_configuration_reference() -> None:
    found = {option.key: option for option in options()}
    cfg = default_config()

    def keys(node, prefix=""):
        for name, value in node.items():
            yield f"{prefix}{name}"
            if hasattr(value, "keys"):
                yield from keys(value, f"{prefix}{name}.")

    assert set(found) == set(keys(cfg))
    assert set(RANGES) <= set(found)
    assert found["LOSS.NUM_NEGATIVES"].default == "1024"
    assert "length of a queue" in found["LOSS.NUM_NEGATIVES"].comment
    assert found["OPTIM.ACCUMULATE"].comment.startswith("Batches whose mean gradient")  # above its line, of two lines
    assert allowed("DATA.FRAME_SIZE", "[128, 171]") == "list of whole numbers, 2 of them, ≥ 1"
    assert allowed("LOSS.MOMENTUM", "0.5") == "number, 0 to 1"
    table = configuration.configuration_reference()
    assert all(f"`{key}`" in table for key in found if "." in key)


def test_every_command_and_option_is_in_the_command_reference() -> None:
    reference = command_reference()
    commands = make_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    for name, parser in commands.items():
        assert f"\n## iic {name}\n" in reference
        for option in (option for action in parser._actions for option in action.option_strings if action.help):
            assert option in reference or "==SUPPRESS==" in str(parser._option_string_actions[option].help), option


def test_every_registered_part_is_named(site: Path) -> None:
    text = (site / "reference" / "parts.html").read_text()
    for parts in (registry.VIEWS, registry.INTRA_NEGATIVES, registry.LOSSES, registry.BACKBONES, registry.DATASETS):
        for name in parts.names():
            assert f"<code>{name}</code>" in text, name


def test_links_of_a_readme_become_links_of_the_site() -> None:
    taken_up = {ROOT / "projects" / "iic" / "README.md": "results/paper.md"}
    text = (
        "[a](README.md#x) [b](base.yaml) [`c`](../nowhere) [d](https://e.org) [f](#g)\n```python\nx[0](base.yaml)\n```"
    )
    expected = (
        "[a](../results/paper.md#x) [b](../repository/projects/iic/base.yaml.md) `c` [d](https://e.org) [f](#g)\n"
        "```python\nx[0](base.yaml)\n```"
    )
    assert with_site_links(text, ROOT / "projects" / "iic", "guides/clusters.md", taken_up) == expected


@pytest.mark.parametrize("page", ["learn/concept.md", "learn/questions.md", "guides/extending.md"])
def test_code_on_pages_runs(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.VIEWS, "_obj_map", dict(registry.VIEWS._obj_map))  # one of them registers a view
    blocks = re.findall(r"^```python\n(.*?)^```", (PAGES / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block.replace("112, 112", "16, 16"), {})


def test_commands_on_pages_are_commands() -> None:
    texts = [path.read_text() for path in [*PAGES.rglob("*.md"), *(DOCUMENTATION / "recipes").glob("*.sh")]]
    lines = re.findall(r"^(?:iic|python -m iic_ptv) .*", "\n".join(texts), re.MULTILINE)
    assert len(lines) > 5
    for line in lines:
        words = shlex.split(line, comments=True)
        make_parser().parse_args(words[words.index("iic") + 1 :] if words[0] == "iic" else words[3:])


def test_formulas_become_drawings() -> None:
    line, block = with_formulas("as $`x_1`$ is"), with_formulas("```math\n\\frac{a}{\\text{all of b}}\n```\n")
    assert re.fullmatch(r'as <svg .*aria-label="x_1".*</svg> is', line)
    assert re.fullmatch(r'\s*<div class="displayed"><svg .*</svg></div>\s*', block)


def test_the_shares_of_the_figure_are_the_softmax() -> None:
    """With K = 16: exp(.9/t) against 16 exp(.5/t), exp(.85/t) and 16 exp(.5/t)."""
    weight = {similarity: math.exp(similarity / 0.07) for similarity in (0.9, 0.85, 0.5)}
    total = weight[0.9] + weight[0.85] + 32 * weight[0.5]
    similar = {"positive": 0.9, "other videos": 0.5, "its own\nintra-negative": 0.85, "others'\nintra-negatives": 0.5}
    share = probabilities(similar, with_negatives=True)
    assert share["positive"] == pytest.approx(weight[0.9] / total, rel=1e-4)
    assert share["its own\nintra-negative"] == pytest.approx(weight[0.85] / total, rel=1e-4)
    assert sum(share.values()) == pytest.approx(1)


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(DOCUMENTATION / "story.ipynb", as_version=4)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    parameters.source = (
        'MOTIONS = ("translate_left", "pulsate")\nTRAIN, TEST = 4, 3\nFRAMES, CROP = 4, 16\n'
        'EPOCHS, WIDTH = 1, 0.0625\nFOLDER = "videos"'
    )
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, timeout=300).execute()
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    assert "8 videos to train on, 6 to ask with" in printed
    assert "IIC: top-1" in printed
