"""What members are planned to compute, and what is found out before anything is submitted."""

from pathlib import Path

import pytest

from iic_ptv.config import load_config
from iic_ptv.errors import InputError
from iic_ptv.launch.sweep.file import read_sweep
from iic_ptv.launch.sweep.member import Member, changes_of
from iic_ptv.launch.sweep.planning import output_of, plan_members
from iic_ptv.runs.folder import METRICS
from iic_ptv.runs.pretraining.pretrain import pretrain

SMALL = """
DATA: {CLIP_LENGTH: 4, FRAME_SIZE: [16, 16], CROP: 16, NUM_WORKERS: 0}
MODEL: {OPTIONS: {width: 0.0625}}
LOSS: {NUM_NEGATIVES: 4}
OPTIM: {BATCH_SIZE: 4, EPOCHS: 1}
TRAINER: {ACCELERATOR: cpu}
"""
EVALUATE = """
evaluate:
  retrieve: {gallery: train.txt, query: test.txt, options: {EVAL.NUM_CLIPS: 2}}
  probe: {options: {PROBE.FEATURES: map}}
  finetune: {data: elsewhere, train: train.txt, options: {OPTIM.EPOCHS: 7}}
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Plan the members of a sweep file of this text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "small.yaml").write_text(SMALL)

    def planned(text: str) -> list[Member]:
        (tmp_path / "mine.yaml").write_text(f"config: small.yaml\ndata: videos\n{text}")
        return plan_members(read_sweep(Path("mine.yaml")), tmp_path / "sweep")

    return planned


def test_each_step_has_the_configuration_of_its_command(plan, tmp_path) -> None:
    members = plan("options: {OPTIM.LR: 0.5}\ngrid: {MODEL.BACKBONE: [r3d, c3d], SEED: [3]}\n" + EVALUATE)
    assert [member.name for member in members] == ["r3d-seed3", "c3d-seed3"]
    member = members[1]
    assert member.folder == tmp_path / "sweep" / "members" / "c3d-seed3"
    trained, retrieve, probe, finetune = member.steps
    assert trained.arguments == ["pretrain", "--config", str(trained.plan)]
    assert trained.folder == member.folder
    assert (trained.cfg.MODEL.BACKBONE, trained.cfg.SEED, trained.cfg.OPTIM.LR) == ("c3d", 3, 0.5)
    assert (str(tmp_path / "videos"), 16) == (trained.cfg.DATA.ROOT, trained.cfg.DATA.CROP)

    assert retrieve.folder == member.folder / "retrieve"
    assert retrieve.arguments == [
        *("retrieve", "--checkpoint", str(member.folder)),
        *("--config", str(member.folder / "plan" / "retrieve.yaml")),
    ]
    assert (retrieve.cfg.EVAL.GALLERY, retrieve.cfg.EVAL.QUERY) == (["train.txt"], ["test.txt"])
    assert (retrieve.cfg.EVAL.NUM_CLIPS, retrieve.cfg.MODEL.BACKBONE) == (2, "c3d")
    assert (probe.cfg.EVAL.FEATURES, probe.cfg.EVAL.NUM_CLIPS) == ("map", 10)
    # Of the recipe of fine-tuning, not of the pre-training, but what makes the clips.
    assert (finetune.cfg.OPTIM.LR, finetune.cfg.OPTIM.EPOCHS, finetune.cfg.VIEWS) == (0.001, 7, ["residual_unscaled"])
    assert (finetune.cfg.DATA.ROOT, finetune.cfg.DATA.LISTS, finetune.cfg.DATA.CROP) == ("elsewhere", ["train.txt"], 16)


def test_the_plan_is_what_the_commands_read(plan) -> None:
    (member,) = plan("grid: {SEED: [0]}\n" + EVALUATE)
    member.write_plan()
    for step in member.steps:
        assert load_config(step.plan) == step.cfg


def test_runs_go_where_the_options_say(tmp_path) -> None:
    (tmp_path / "mine.yaml").write_text("options: {OUTPUT: there}\ngrid: {SEED: [0]}\n")
    assert output_of(read_sweep(tmp_path / "mine.yaml")) == "there"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "options: {OPTIM.EPOCH: 1}\ngrid: {SEED: [0]}\n",
            "mine.yaml: options: there is no option OPTIM.EPOCH. Did you",
        ),
        ("grid: {SEEDS: [0]}\n", "mine.yaml: grid: there is no option SEEDS. Did you mean SEED?"),
        ("grid: {SEED: [0, one]}\n", "mine.yaml: grid: SEED must be of type int, like 0; got 'one'"),
        (
            "grid: {MODEL.BACKBONE: [r3d, r3]}\n",
            "mine.yaml: r3: pretrain: BACKBONES: there is no 'r3'. Did you mean r3d",
        ),
        ("grid: {VIEWS: [[rgb, rbg]]}\n", "mine.yaml: rgb+rbg: pretrain: VIEWS: there is no 'rbg'"),
        (
            "grid: {INTRA_NEGATIVE: [none, repeats]}\n",
            "mine.yaml: repeats: pretrain: INTRA_NEGATIVES: there is no 'repeats'",
        ),
        (
            "grid: {SEED: [0]}\nevaluate: {retrieve: {options: {EVAL.NUM_CLIP: 2}}}\n",
            "mine.yaml: evaluate: retrieve: options: there is no option EVAL.NUM_CLIP. Did you mean EVAL.NUM_CLIPS",
        ),
        (
            "grid: {SEED: [0]}\nevaluate: {probe: {options: {EVAL.FEATURES: map}}}\n",
            "mine.yaml: evaluate: probe: EVAL.FEATURES: `iic probe` takes",
        ),
        (
            "grid: {SEED: [0]}\nevaluate: {finetune: {options: {VIEWS: [residuals]}}}\n",
            "mine.yaml: seed0: finetune: VIEWS: there is no 'residuals'",
        ),
        ("grid: {SEED: [0]}\nevaluate: {finetune: {config: nowhere.yaml}}\n", "mine.yaml: evaluate: finetune: nowhere"),
    ],
)
def test_mistakes_in_any_member_are_named(plan, text, message) -> None:
    with pytest.raises(InputError) as raised:
        plan(text)
    assert message in str(raised.value)


def begin(step) -> None:
    """Leave what a command leaves that has begun."""
    step.folder.mkdir(parents=True, exist_ok=True)
    (step.folder / "config.yaml").write_text(step.cfg.dump())


def test_a_member_that_has_begun_cannot_change_what_it_computes(plan) -> None:
    (member,) = plan("grid: {SEED: [0]}\n" + EVALUATE)
    member.write_plan()
    plan("options: {OPTIM.EPOCHS: 5}\ngrid: {SEED: [0]}\n")  # it has not begun, and may still change
    begin(member.steps[0])
    with pytest.raises(InputError) as raised:
        plan("options: {OPTIM.EPOCHS: 5}\ngrid: {SEED: [0]}\n")
    assert "mine.yaml: seed0: pretrain began with OPTIM.EPOCHS 1, and is now to have 5" in str(raised.value)
    assert f"remove {member.folder} to begin anew" in str(raised.value)
    with pytest.raises(InputError, match=r"began with MODEL.OPTIONS.width 0.0625, and is now to have 0.5"):
        plan("options: {MODEL.OPTIONS.width: 0.5}\ngrid: {SEED: [0]}\n")
    with pytest.raises(InputError, match=r"began with INTRA_NEGATIVE_OPTIONS.a None, and is now to have 1"):
        plan("options: {INTRA_NEGATIVE_OPTIONS.a: 1}\ngrid: {SEED: [0]}\n")
    assert len(plan("options: {TRAINER.DEVICES: 2, DATA.NUM_WORKERS: 3}\ngrid: {SEED: [0, 1]}\n" + EVALUATE)) == 2


def test_neither_can_an_evaluation_that_has_begun(plan) -> None:
    (member,) = plan("grid: {SEED: [0]}\n" + EVALUATE)
    member.write_plan()
    begin(member.steps[0])
    plan("grid: {SEED: [0]}\n" + EVALUATE.replace("NUM_CLIPS: 2", "NUM_CLIPS: 3"))
    begin(member.steps[1])
    with pytest.raises(InputError, match=r"seed0: retrieve began with EVAL.NUM_CLIPS 2, and is now to have 3"):
        plan("grid: {SEED: [0]}\n" + EVALUATE.replace("NUM_CLIPS: 2", "NUM_CLIPS: 3"))
    assert len(plan("grid: {SEED: [0]}\n")) == 1  # it may be left out, or others may be added


def test_where_a_run_goes_on_may_change(plan, video_folder) -> None:
    (member,) = plan(f"options: {{DATA.ROOT: {video_folder}}}\ngrid: {{SEED: [0]}}\n".replace("data: videos\n", ""))
    member.write_plan()
    pretrain(member.steps[0].cfg, member.folder)
    (member.folder / METRICS).unlink()  # else it would be done
    assert changes_of(member.steps[0].plan, member.folder) == []
    (moved,) = plan(
        f"options: {{DATA.ROOT: {video_folder}, DATA.NUM_WORKERS: 1, TRAINER.LOG_EVERY: 2}}\ngrid: {{SEED: [0]}}\n"
    )
    moved.write_plan()
    assert changes_of(moved.steps[0].plan, moved.folder) == ["DATA.NUM_WORKERS", "1", "TRAINER.LOG_EVERY", "2"]
