"""Documented snippets and commands run, documented paths exist, documented options are real."""

import importlib
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from iic_ptv import registry
from iic_ptv.cli.main import main, make_parser
from iic_ptv.config import default_config, load_config
from iic_ptv.data.procedural import write_videos
from iic_ptv.models import r3d
from iic_ptv.zoo.reference import to_authors

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if not any(part.startswith(".") for part in path.parts))
README = ROOT / "README.md"
DATA = ROOT / "iic_ptv" / "data" / "README.md"
SEARCH = ROOT / "iic_ptv" / "search" / "README.md"
ZOO = ROOT / "iic_ptv" / "zoo" / "README.md"
EVALUATION = ROOT / "iic_ptv" / "evaluation" / "README.md"
EXPORT = ROOT / "iic_ptv" / "export" / "README.md"
PYTORCHVIDEO = ROOT / "projects" / "pytorchvideo" / "README.md"
CLUSTERS = ROOT / "projects" / "clusters" / "README.md"
PROCEDURAL = ROOT / "projects" / "procedural" / "README.md"
STUDIES = sorted((ROOT / "projects").glob("*/README.md"))
ON_THIS_MACHINE = ["--cluster", "local", "--nodes", "1", "--gpus-per-node", "0"]
SMALL_NETWORK = ["MODEL.OPTIONS.width", "0.0625"]
SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[16, 16]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "4", "OPTIM.EPOCHS", "1"),
    *("TRAINER.ACCELERATOR", "cpu", "EVAL.NUM_CLIPS", "2"),
]


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)


def snippets(document: Path) -> str:
    code = "import torch\ntorch.manual_seed(0)\n" + "\n".join(blocks(document, "python"))
    return code.replace("path/to/iic_ptv", str(ROOT))


def commands(document: Path) -> list[list[str]]:
    text = "".join(blocks(document, "bash")).replace("\\\n", " ")
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return [shlex.split(line) for line in lines if line]


@pytest.fixture
def collections(tmp_path: Path) -> Path:
    """A folder with the collections and the file of the authors that the documents speak of."""
    for name in ("my_videos", "train_videos", "test_videos"):
        collection = write_videos(
            tmp_path / f"{name}_rendered",
            motions=("translate_left", "bounce"),
            train_per_class=3,
            test_per_class=0,
            num_frames=8,
            size=16,
            progress=False,
        )
        (collection / "videos").rename(tmp_path / name)
    torch.save({"model": to_authors("r3d", r3d(width=0.0625).state_dict())}, tmp_path / "r3d_authors.pth")
    return tmp_path


def test_snippets_of_the_readme_run_in_order_in_a_new_process(collections: Path) -> None:
    """Where nothing is imported yet: what it says of imports is true."""
    result = subprocess.run([sys.executable, "-c", snippets(README)], cwd=collections, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "document", [DATA, EVALUATION, EXPORT, PROCEDURAL, PYTORCHVIDEO, SEARCH, ZOO], ids=lambda path: path.parent.name
)
def test_snippets_run_in_order(document: Path, collections: Path, monkeypatch) -> None:
    monkeypatch.chdir(collections)
    exec(compile(snippets(document), document, "exec"), {})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            README,
            {
                *("check-data", "prepare", "pretrain", "retrieve", "probe", "finetune", "index", "search", "export"),
                *("launch", "jobs", "profile"),
            },
        ),
        (CLUSTERS, {"launch", "jobs", "sweep"}),
        (DATA, {"check-data", "prepare", "flow", "pretrain"}),
        (EVALUATION, {"retrieve", "probe", "finetune", "inspect", "compare"}),
        (EXPORT, {"export"}),
        (SEARCH, {"index", "search"}),
        (ZOO, {"zoo", "retrieve", "convert", "pretrain"}),
    ],
    ids=["README", "clusters", "data", "evaluation", "export", "search", "zoo"],
)
def test_documented_commands_run(document: Path, expected: set[str], collections: Path, monkeypatch) -> None:
    """As written, but made small by options added at the end, and RUN and LAST filled in with the runs before."""
    documented = [command for command in commands(document) if command[0] == "iic"]
    assert {command[1] for command in documented} == expected
    if not {"pretrain", "launch"} & expected:
        documented.insert(0, ["iic", "pretrain", "--data", "my_videos"])
    for command in documented:
        arguments = [_filled_in(argument, collections) for argument in command[1:]]
        small = ["OPTIM.EPOCHS", "2"] if "--resume" in arguments else SMALL  # a complete run, made longer
        if not {"--resume", "iic://r3d.iic_procedural"} & {*arguments}:
            small = [*small, *SMALL_NETWORK]
        if arguments[0] == "launch":
            small = [*small, *ON_THIS_MACHINE]
        elif arguments[0] == "sweep":
            small = ["--dry-run", "--cluster", "local"]
        elif arguments[0] not in ("pretrain", "retrieve", "probe", "finetune", "profile"):
            small = []
        monkeypatch.chdir(collections)
        monkeypatch.setattr(sys, "argv", ["iic", *arguments, *small])
        main(sys.argv[1:])  # exits where something is wrong


@pytest.mark.parametrize("document", STUDIES, ids=lambda path: path.parent.name)
def test_commands_of_studies_are_understood(document: Path, monkeypatch) -> None:
    """They take hours, so that only their options are looked at, and the files that they name."""
    monkeypatch.chdir(ROOT)
    for command in commands(document):
        for argument in command:
            if argument.startswith("projects/") and argument != "projects/documentation/site":  # which is built
                assert Path(argument).exists(), argument
        if command[0] == "iic":
            options = make_parser().parse_args(command[1:])
            load_config(getattr(options, "config", None), getattr(options, "overrides", []))


def _filled_in(argument: str, folder: Path) -> str:
    """The path with the last run of a command in the place of RUN or LAST, and with what a shell makes of ``*``."""
    for runs in re.findall(r"(runs/\w+)/(?:RUN|LAST)", argument):
        last = max((folder / runs).iterdir())
        argument = re.sub(rf"{runs}/(RUN|LAST)", f"{runs}/{last.name}", argument)
    if argument.startswith("projects/"):
        return str(ROOT / argument)
    return str(next(folder.glob(argument))) if "*" in argument else argument


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documented = {command[1] for command in commands(README) if command[0] == "make"}
    assert documented == {"quickstart", "test"}
    assert documented <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_options_and_modules_exist(document: Path) -> None:
    cfg, text = default_config(), document.read_text()
    groups = "|".join(name for name in cfg if hasattr(cfg[name], "keys"))
    for group, key in re.findall(rf"\b({groups})\.([A-Z_]+)\b", text):
        assert key in cfg[group], f"{group}.{key}"
    for module in re.findall(r"python -m (projects\.[\w.]+)", text):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists(), module


def test_readme_names_every_registered_part() -> None:
    text = README.read_text()
    for parts in (registry.VIEWS, registry.INTRA_NEGATIVES, registry.LOSSES, registry.DATASETS):
        for name in parts.names():
            assert f"`{name}`" in text, name


@pytest.mark.parametrize("study", ["quickstart.seeds", "small_real.seeds", "worth.study"])
def test_tables_are_those_of_the_measured_results(study: str) -> None:
    module = importlib.import_module(f"projects.{study}")
    table = module.table(json.loads(module.RESULTS.read_text()))
    assert table in module.RESULTS.with_name("README.md").read_text()
    assert table in README.read_text() or study == "small_real.seeds"
