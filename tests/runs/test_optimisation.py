"""Learning rates over the steps of a run."""

import math

import pytest
import torch

from iic_ptv.config import load_config
from iic_ptv.errors import InputError
from iic_ptv.runs.optimisation import build_optimizer, build_schedule

STEPS = 40
TEN_EPOCHS = ["OPTIM.EPOCHS", "10", "OPTIM.LR", "0.8"]


def groups() -> list[dict]:
    return [{"params": [torch.nn.Parameter(torch.zeros(2))]}, {"params": [torch.nn.Parameter(torch.zeros(2))]}]


def rates(*options: str, second: float = 1.0) -> list[float]:
    """The rate of every step; of the second group, whose rate is ``second`` times as high, divided by that."""
    cfg = load_config(None, [*TEN_EPOCHS, *options])
    optimizer = build_optimizer(cfg)(groups())
    optimizer.param_groups[1]["lr"] *= second
    scheduler = build_schedule(cfg, STEPS)(optimizer)["scheduler"]
    found = []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        assert optimizer.param_groups[1]["lr"] == pytest.approx(second * found[-1])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize("second", [1.0, 0.1])
def test_cosine_falls_from_the_rate_to_nothing(second) -> None:
    expected = [0.4 * (1 + math.cos(math.pi * step / STEPS)) for step in range(STEPS)]
    assert rates("OPTIM.SCHEDULE", "cosine", second=second) == pytest.approx(expected)


def test_cosine_after_a_linear_warm_up() -> None:
    found = rates("OPTIM.SCHEDULE", "cosine", "OPTIM.WARM_UP", "2")
    rise = [0.8 * (step + 1) / 9 for step in range(8)]
    fall = [0.4 * (1 + math.cos(math.pi * step / 32)) for step in range(32)]
    assert found == pytest.approx(rise + fall)


def test_cosine_stops_at_the_lowest_rate() -> None:
    assert min(rates("OPTIM.SCHEDULE", "cosine", "OPTIM.MIN_LR", "0.1")) == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("second", [1.0, 0.1])
def test_multistep_falls_after_the_epochs_named_with_or_without_warm_up(second) -> None:
    options = ("OPTIM.SCHEDULE", "multistep", "OPTIM.MILESTONES", "[3, 7]", "OPTIM.GAMMA", "0.5")
    expected = [0.8] * 12 + [0.4] * 16 + [0.2] * 12
    assert rates(*options, second=second) == pytest.approx(expected)
    warmed = rates(*options, "OPTIM.WARM_UP", "1", second=second)
    assert warmed[4:] == pytest.approx(expected[4:])
    assert warmed[:4] == pytest.approx([0.8 * step / 5 for step in (1, 2, 3, 4)])


def test_one_cycle_rises_and_falls() -> None:
    found = rates("OPTIM.SCHEDULE", "one_cycle", second=0.1)
    assert max(found) == pytest.approx(0.8, rel=0.02)
    assert found.index(max(found)) in (5, 6)
    assert found[-1] < 0.01


def test_constant_stays_where_it_is() -> None:
    assert rates("OPTIM.SCHEDULE", "constant") == [0.8] * STEPS


def test_plateau_waits_and_never_raises_a_rate_to_the_lowest() -> None:
    cfg = load_config(
        None,
        [*TEN_EPOCHS, "OPTIM.SCHEDULE", "plateau", "OPTIM.PATIENCE", "2", "OPTIM.GAMMA", "0.1", "OPTIM.MIN_LR", "0.05"],
    )
    optimizer = build_optimizer(cfg)(groups())
    optimizer.param_groups[1]["lr"] = 0.01
    entry = build_schedule(cfg, STEPS, validated_every=7)(optimizer)
    assert (entry["monitor"], entry["interval"], entry["frequency"]) == ("val/loss", "step", 7)
    found = []
    for loss in (3.0, 2.0, 2.0, 2.5, 2.0, 2.0):
        entry["scheduler"].step(loss)
        found.append(optimizer.param_groups[0]["lr"])
    assert found == pytest.approx([0.8, 0.8, 0.8, 0.8, 0.08, 0.08])
    assert optimizer.param_groups[1]["lr"] == 0.01


def test_optimizers_are_as_configured() -> None:
    options = ["OPTIM.WEIGHT_DECAY", "0.25", "OPTIM.MOMENTUM", "0.5"]
    sgd = build_optimizer(load_config(None, [*TEN_EPOCHS, *options]))(groups())
    assert isinstance(sgd, torch.optim.SGD)
    assert (sgd.defaults["lr"], sgd.defaults["momentum"], sgd.defaults["weight_decay"]) == (0.8, 0.5, 0.25)
    adamw = build_optimizer(load_config(None, [*TEN_EPOCHS, *options, "OPTIM.NAME", "adamw"]))(groups())
    assert isinstance(adamw, torch.optim.AdamW)
    assert (adamw.defaults["lr"], adamw.defaults["weight_decay"]) == (0.8, 0.25)


def test_what_cannot_be_had_is_named() -> None:
    for options, message in [
        (["OPTIM.SCHEDULE", "plateau"], r"OPTIM\.SCHEDULE: plateau waits for the loss of validation videos"),
        (["OPTIM.SCHEDULE", "one_cycle", "OPTIM.WARM_UP", "1"], r"OPTIM\.WARM_UP: one_cycle has no warm-up"),
        (["OPTIM.SCHEDULE", "exponential"], r"OPTIM\.SCHEDULE: expected one of"),
    ]:
        with pytest.raises(InputError, match=message):
            build_schedule(load_config(None, options), STEPS)
    unchanging = load_config(None, ["OPTIM.SCHEDULE", "plateau", "OPTIM.GAMMA", "1.0"])
    with pytest.raises(InputError, match=r"OPTIM\.GAMMA: .* below 1, not 1\.0"):
        build_schedule(unchanging, STEPS, validated_every=7)
    with pytest.raises(InputError, match=r"OPTIM\.NAME: expected one of sgd, adamw, got 'adam'"):
        build_optimizer(load_config(None, ["OPTIM.NAME", "adam"]))
