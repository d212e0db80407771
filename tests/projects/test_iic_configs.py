"""The studies of the paper and its follow-up: recipes to the letter, tables to the figure, every file makes a step."""

import csv
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fvcore.common.config import CfgNode
from official_lists import TINY, like_hmdb51, like_ucf101, overrides

from iic_ptv.cli.main import main
from iic_ptv.config import load_config
from iic_ptv.evaluation.published import PAPER
from iic_ptv.evaluation.retrieval import PAPER_KS
from iic_ptv.launch.sweep.file import SweepFile, read_sweep
from iic_ptv.launch.sweep.planning import plan_members
from iic_ptv.runs.pretraining.pretrain import ready_to_pretrain
from iic_ptv.runs.recognition.config import Request, finetune_config
from iic_ptv.runs.recognition.finetune import finetune

PROJECTS = Path(__file__).parents[2] / "projects"
IIC, IIC_V2 = PROJECTS / "iic", PROJECTS / "iic_v2"
FILES = sorted([*IIC.glob("*.yaml"), *IIC_V2.glob("*.yaml")])
TABLES = [path for path in FILES if path.stem.startswith("table")]
FINETUNE = [path for path in FILES if path.stem.startswith("finetune")]
NO_TRAINING = [IIC / "retrieve_hmdb51.yaml"]  # the sweep below takes it
PRETRAIN = [path for path in FILES if path not in {*TABLES, *FINETUNE, *NO_TRAINING}]
WITH_A_WIDTH = ("r3d", "c3d", "r2plus1d")

# Section 7 of the method: top-1, 5, 10, 20, 50 on UCF101, and recognition on UCF101 and HMDB51; split 1, R3D.
REPORTED = {
    "random": ((9.9, 18.9, 26.0, 35.5, 51.9), 54.5, 23.4),
    "CMC": ((26.4, 37.7, 45.1, 53.2, 66.3), 59.1, 26.7),
    "IIC repeat + residual": ((36.5, 54.1, 62.9, 72.4, 83.4), 72.8, 35.3),
    "IIC repeat + u": ((41.8, 60.4, 69.5, 78.4, 87.7), 72.7, 36.8),
    "IIC shuffle + residual": ((34.6, 53.0, 62.3, 71.7, 82.4), 74.4, 38.3),
    "IIC shuffle + v": ((42.4, 60.9, 69.2, 77.1, 86.5), 67.0, 34.0),
}
# Means of 3 splits: retrieval on UCF101, recognition there, retrieval on HMDB51.
OF_SPLITS = {
    ("C3D", "c3d", "repeat"): (31.9, 70.0, 9.9),
    ("C3D", "c3d", "shuffle"): (28.9, 69.7, 11.5),
    ("R(2+1)D", "r2plus1d", "repeat"): (34.7, 72.4, 12.7),
    ("R(2+1)D", "r2plus1d", "shuffle"): (30.2, 73.3, 12.6),
    ("Res18-3D", "r3d_18", "repeat"): (36.8, 72.4, 15.5),
    ("Res18-3D", "r3d_18", "shuffle"): (33.0, 73.1, 12.4),
}


def name_of(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def configs_of(path: Path, folder: Path) -> dict[str, dict[str, CfgNode]]:
    """The configurations of a sweep's steps, by member and step."""
    return {
        member.name: {step.name: step.cfg for step in member.steps} for member in plan_members(read_sweep(path), folder)
    }


def percent(file: SweepFile) -> dict[str, dict[str, float]]:
    return {
        name: {key: round(100 * value, 1) for key, value in row.reported.items()} for name, row in file.rows.items()
    }


@pytest.fixture(scope="module")
def ucf101(tmp_path_factory) -> Path:
    return like_ucf101(tmp_path_factory.mktemp("ucf101"))


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    """Give signals back to the tests, that a job in this process takes for itself."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def hmdb51(tmp_path_factory) -> Path:
    return like_hmdb51(tmp_path_factory.mktemp("hmdb51"))


@pytest.mark.parametrize("path", PRETRAIN, ids=name_of)
def test_every_pre_training_makes_a_step(path: Path, ucf101: Path, tmp_path: Path) -> None:
    step_is_made(load_config(path, overrides(DATA__ROOT=ucf101)), tmp_path)


@pytest.mark.parametrize("backbone", ["r3d_18", "s3d"])
def test_the_follow_up_makes_a_step_with_its_other_backbones(backbone: str, ucf101: Path, tmp_path: Path) -> None:
    path = IIC_V2 / "residual_shuffle.yaml"
    step_is_made(load_config(path, overrides(DATA__ROOT=ucf101, MODEL__BACKBONE=backbone)), tmp_path)


def step_is_made(cfg: CfgNode, folder: Path) -> None:
    if cfg.MODEL.BACKBONE in WITH_A_WIDTH:
        cfg.MODEL.OPTIONS.width = 0.0625
        cfg.MODEL.HEAD = [8, 4] if cfg.MODEL.HEAD else []
    cfg.DATA.FLOW = "dis" if cfg.DATA.FLOW else ""
    training, task, data = ready_to_pretrain(cfg, folder, "a step")
    before = [parameter.detach().clone() for parameter in task.parameters()]
    training.rehearse(task, data, 1)
    assert training.trainer.global_step == 1
    assert torch.isfinite(training.trainer.callback_metrics["train/loss"])
    changed = [not torch.equal(old, new) for old, new in zip(before, task.parameters(), strict=True)]
    assert sum(changed) > len(changed) / 2


@pytest.mark.parametrize("path", FINETUNE, ids=name_of)
def test_every_fine_tuning_makes_its_steps(path: Path, ucf101: Path, hmdb51: Path, tmp_path: Path) -> None:
    data = str(hmdb51 if "hmdb51" in path.stem else ucf101)
    small = overrides(OPTIM__EPOCHS=1, MODEL__OPTIONS__width=0.0625)
    cfg = finetune_config(Request(config=str(path), data=data, overrides=small), None)
    recognised = finetune(cfg, tmp_path).recognised
    assert recognised is not None
    assert recognised.training["validation"]["videos"] == 2  # a fifth of the training videos
    assert len(recognised.videos) == 2


@pytest.mark.parametrize("path", [path for path in PRETRAIN if path.parent == IIC], ids=name_of)
def test_pre_training_is_that_of_the_paper(path: Path) -> None:
    cfg = load_config(path)
    assert (cfg.DATA.KIND, cfg.DATA.SPLIT, cfg.DATA.SUBSET) == ("ucf101", 1, "train")
    assert (cfg.DATA.FRAME_SIZE, cfg.DATA.CROP, cfg.DATA.CLIP_LENGTH, cfg.DATA.STRIDE) == ([128, 171], 112, 16, 1)
    assert (cfg.DATA.CLIPS_PER_VIDEO, cfg.DATA.AUGMENTATION) == (1, "crop")
    assert (cfg.OPTIM.NAME, cfg.OPTIM.BATCH_SIZE, cfg.OPTIM.LR) == ("sgd", 16, 0.01)
    assert (cfg.OPTIM.MOMENTUM, cfg.OPTIM.WEIGHT_DECAY) == (0.9, 1e-4)
    assert (cfg.OPTIM.EPOCHS, cfg.OPTIM.SCHEDULE, cfg.OPTIM.GAMMA) == (240, "multistep", 0.2)
    assert cfg.OPTIM.MILESTONES == [45, 90, 125, 160]
    loss = cfg.LOSS
    assert (loss.NUM_NEGATIVES, loss.TEMPERATURE, loss.MOMENTUM, loss.NORMALIZE) == (1024, 0.07, 0.5, False)
    assert (loss.NAME, loss.OBJECTIVE, loss.FILL_BANKS, loss.EXCLUDE_SELF) == (
        "inter_intra_nce",
        "softmax",
        False,
        False,
    )
    assert (cfg.MODEL.HEAD, dict(cfg.MODEL.OPTIONS), cfg.MODEL.PER_VIEW) == ([], {}, False)
    assert (cfg.EVAL.NUM_CLIPS, cfg.EVAL.FEATURES) == (10, "map")
    assert ("tvl1" if any(view.startswith("flow") for view in cfg.VIEWS) else "") == cfg.DATA.FLOW


@pytest.mark.parametrize("path", [path for path in PRETRAIN if path.parent == IIC_V2], ids=name_of)
def test_pre_training_is_that_of_the_follow_up(path: Path) -> None:
    cfg = load_config(path)
    assert (cfg.DATA.AUGMENTATION, cfg.DATA.CLIPS_PER_VIDEO, cfg.MODEL.HEAD) == ("strong", 2, [512, 128])
    assert (cfg.OPTIM.LR, cfg.OPTIM.SCHEDULE, cfg.OPTIM.EPOCHS, cfg.OPTIM.BATCH_SIZE) == (0.1, "cosine", 240, 16)
    assert (cfg.LOSS.NORMALIZE, cfg.LOSS.NUM_NEGATIVES, cfg.LOSS.TEMPERATURE) == (True, 1024, 0.07)
    if path.stem != "base":
        negative = "rotate" if "rotate" in path.stem else "shuffle"
        assert negative == cfg.INTRA_NEGATIVE
        assert set(cfg.VIEWS) <= {"rgb", "residual_unscaled"}


@pytest.mark.parametrize("path", FINETUNE, ids=name_of)
def test_fine_tuning_is_that_of_the_paper(path: Path) -> None:
    cfg = finetune_config(Request(config=str(path)), None)
    assert cfg.VIEWS == ["residual_unscaled"]
    assert (cfg.OPTIM.BATCH_SIZE, cfg.OPTIM.LR, cfg.OPTIM.MOMENTUM, cfg.OPTIM.WEIGHT_DECAY) == (16, 1e-3, 0.9, 5e-4)
    assert (cfg.OPTIM.EPOCHS, cfg.OPTIM.SCHEDULE, cfg.OPTIM.PATIENCE) == (150, "plateau", 50)
    assert (cfg.OPTIM.GAMMA, cfg.OPTIM.MIN_LR, cfg.EVAL.NUM_CLIPS) == (0.1, 1e-5, 10)
    is_hmdb51 = "hmdb51" in path.stem
    assert (("hmdb51", 400) if is_hmdb51 else ("ucf101", 800)) == (cfg.DATA.KIND, cfg.RECOGNITION.VALIDATION_VIDEOS)


@pytest.mark.parametrize("table", ["table_retrieval", "table_recognition", "table_views"])
def test_rows_are_what_they_are_called(table: str, tmp_path: Path) -> None:
    file = read_sweep(IIC / f"{table}.yaml")
    members = zip(file.rows.items(), configs_of(file.path, tmp_path).values(), strict=True)
    for (name, row), steps in members:
        assert row.is_trained == ("pretrain" in steps) == (name != "random")
        cfg = steps.get("pretrain", next(iter(steps.values())))
        assert cfg.MODEL.BACKBONE == "r3d"
        if name.startswith("IIC"):
            _, negative, _, view = name.split()
            assert negative == cfg.INTRA_NEGATIVE
            assert ["rgb", {"u": "flow_u", "v": "flow_v"}.get(view, view)] == cfg.VIEWS
        if name.startswith("CMC"):
            assert cfg.INTRA_NEGATIVE == "none"
            assert len(cfg.VIEWS) == (3 if "3 views" in name else 2)


def test_the_retrieval_table_is_that_of_the_paper() -> None:
    rows = percent(read_sweep(IIC / "table_retrieval.yaml"))
    assert list(rows) == list(REPORTED)
    joint = {name: tuple(row[f"retrieve.top{k}"] for k in PAPER_KS) for name, row in rows.items()}
    assert joint == {name: figures for name, (figures, *_) in REPORTED.items()}
    single = rows["IIC repeat + residual"]
    assert (single["retrieve.rgb.top1"], single["retrieve.residual.top1"]) == (34.8, 33.4)


def test_the_recognition_table_is_that_of_the_paper(tmp_path: Path) -> None:
    rows = percent(read_sweep(IIC / "table_recognition.yaml"))
    assert rows == {
        "CMC, 3 views" if name == "CMC" else name: {"ucf101.top1": ucf101, "hmdb51.top1": hmdb51}
        for name, (_, ucf101, hmdb51) in REPORTED.items()
    }
    for steps in configs_of(IIC / "table_recognition.yaml", tmp_path).values():
        assert (steps["ucf101"].DATA.ROOT, steps["ucf101"].DATA.KIND) == ("UCF101", "ucf101")
        assert (steps["hmdb51"].DATA.ROOT, steps["hmdb51"].DATA.KIND) == ("HMDB51", "hmdb51")
        assert (steps["ucf101"].OPTIM.EPOCHS, steps["hmdb51"].RECOGNITION.VALIDATION_VIDEOS) == (150, 400)


def test_the_table_of_backbones_is_that_of_the_paper(tmp_path: Path) -> None:
    path = IIC / "table_backbones.yaml"
    rows = percent(read_sweep(path))
    assert rows == {
        f"{label}, IIC {negative}": {"ucf101.top1": top1, "recognition.top1": recognition, "hmdb51.top1": hmdb51}
        for (label, _, negative), (top1, recognition, hmdb51) in OF_SPLITS.items()
    }
    members = list(configs_of(path, tmp_path).values())
    assert [
        (cfg.MODEL.BACKBONE, cfg.INTRA_NEGATIVE, cfg.DATA.SPLIT) for cfg in (steps["pretrain"] for steps in members)
    ] == [(backbone, negative, split) for _, backbone, negative in OF_SPLITS for split in (1, 2, 3)]
    for steps in members:
        assert {cfg.DATA.SPLIT for cfg in steps.values()} == {steps["pretrain"].DATA.SPLIT}
        assert [steps[name].DATA.KIND for name in ("ucf101", "hmdb51", "recognition")] == ["ucf101", "hmdb51", "ucf101"]


def test_the_tables_and_the_package_report_the_same() -> None:
    retrieval, recognition = (percent(read_sweep(IIC / f"table_{name}.yaml")) for name in ("retrieval", "recognition"))
    views, backbones = (percent(read_sweep(IIC / f"table_{name}.yaml")) for name in ("views", "backbones"))
    for network in PAPER:
        shares = {collection: round(100 * share, 1) for collection, share in network.recognition.items()}
        top_k = {
            collection: {k: round(100 * v, 1) for k, v in figures.items()}
            for collection, figures in network.retrieval.items()
        }
        if network.backbone == "r3d":
            row = retrieval[network.label]
            assert {k: row[f"retrieve.top{k}"] for k in PAPER_KS} == top_k["ucf101"]
            row = recognition["CMC, 3 views" if network.label == "CMC" else network.label]
            assert {collection: row[f"{collection}.top1"] for collection in shares} == shares
            for key, value in views.get(network.label, {}).items():
                assert value == retrieval[network.label][key]
        else:
            label = next(label for label, backbone, _ in OF_SPLITS if backbone == network.backbone)
            row = backbones[f"{label}, {network.label.removesuffix(', 3 splits')}"]
            assert row == {
                "ucf101.top1": top_k["ucf101"][1],
                "hmdb51.top1": top_k["hmdb51"][1],
                "recognition.top1": shares["ucf101"],
            }


@pytest.mark.parametrize("path", TABLES, ids=name_of)
def test_a_dry_run_without_videos_says_what_would_run_and_for_how_long(
    path: Path, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    here = ("--cluster", "local", "--gpus-per-node", "0")
    main(["sweep", str(path), "--dry-run", *here])
    printed = capsys.readouterr().out
    assert "UCF101 is not on this machine" in printed
    for name in read_sweep(path).members:
        (line,) = (line for line in printed.splitlines() if line.startswith(f"{name}: new, would be submitted: "))
        assert "to embed, about " in line
        assert line.endswith(("hours", "minutes"))
    (total,) = (line for line in printed.splitlines() if "hours in all" in line)
    assert total.endswith("at 100 clips/s in pre-training, which is assumed; give yours with --clips-per-second N")
    row = f"| `{path.name}` | {len(read_sweep(path).members)} | {total.split()[1]} |"
    assert row in (path.parent / "README.md").read_text()
    assert list(tmp_path.iterdir()) == []


def test_the_readme_has_all_that_is_reported() -> None:
    text = (IIC / "README.md").read_text()
    for name, (figures, ucf101, hmdb51) in REPORTED.items():
        cells = " | ".join(map(str, (*figures, ucf101, hmdb51)))
        assert f"| {name} | {cells} |" in text.replace(" (3 views)", "")
    for (label, _, negative), figures in OF_SPLITS.items():
        assert f"| {label}, IIC {negative} | {' | '.join(map(str, figures))} |" in text


@pytest.mark.slow
@pytest.mark.usefixtures("signals_as_before")
def test_a_table_is_filled_by_what_is_measured(ucf101: Path, hmdb51: Path, tmp_path: Path, monkeypatch) -> None:
    """Two rows and all kinds of evaluation with the files of the study, but small."""
    monkeypatch.chdir(tmp_path)
    tiny = {**TINY, "MODEL.OPTIONS.width": 0.0625, "OPTIM.EPOCHS": 1}
    recognition = f"command: finetune, config: {IIC}/finetune"
    of_finetune = {
        name: tiny[name] for name in ("OPTIM.BATCH_SIZE", "OPTIM.EPOCHS", "TRAINER.ACCELERATOR", "EVAL.NUM_CLIPS")
    }
    evaluate = {
        "retrieve": "",
        "hmdb51": f"command: retrieve, config: {IIC}/retrieve_hmdb51.yaml, data: {hmdb51}",
        "ucf101_recognition": f"{recognition}.yaml, options: {of_finetune}",
        "hmdb51_recognition": f"{recognition}_hmdb51.yaml, data: {hmdb51}, options: {of_finetune}",
    }
    of_random = {"retrieve": {"top1": 9.9}, "ucf101_recognition": {"top1": 54.5}, "hmdb51_recognition": {"top1": 23.4}}
    lines = [
        f"data: {ucf101}",
        f"options: {tiny}",
        "rows:",
        f"  random: {{config: {IIC}/random.yaml, train: false, reported: {of_random}}}",
        f"  IIC repeat + residual: {{config: {IIC}/repeat_residual.yaml, reported: {{retrieve: {{top1: 36.5}}}}}}",
        "evaluate:",
        *(f"  {name}: {{{options}}}" for name, options in evaluate.items()),
    ]
    Path("tiny.yaml").write_text("\n".join(lines))
    main(["sweep", "tiny.yaml", "--cluster", "debug"])
    with (tmp_path / "runs/sweep/tiny/table.csv").open() as file:
        random, iic = csv.DictReader(file)
    assert (random["state"], iic["state"]) == ("finished", "finished")
    assert (random["retrieve.top1.reported"], iic["retrieve.top1.reported"]) == ("0.099", "0.365")
    assert random["hmdb51_recognition.top1.reported"] == "0.234"
    assert (random["loss"], float(iic["loss"]) > 0) == ("", True)
    for row in (random, iic):
        for evaluation in evaluate:
            assert 0 <= float(row[f"{evaluation}.top1"]) <= 1
