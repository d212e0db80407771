"""The members of a grid: which they are, and what they are called."""

import pytest

from iic_ptv.config import load_config
from iic_ptv.errors import InputError
from iic_ptv.launch.sweep.grid import LONGEST_NAME, members_of, overrides_of

GRID = {
    "MODEL.BACKBONE": ["r3d", "c3d"],
    "VIEWS": [["rgb", "residual"], "rgb"],
    "DATA.FRAME_SIZE": [[128, 171]],
    "LOSS.FILL_BANKS": [True],
    "OPTIM.LR": [0.01, 1e-05],
    "SEED": [0, 1],
}


def test_every_combination_is_a_member_with_a_name_that_can_be_read() -> None:
    members = members_of(GRID)
    assert len(members) == 2 * 2 * 2 * 2
    assert list(members)[:3] == [
        "r3d-rgb+residual-frame_size128+171-fill_bankstrue-lr0.01-seed0",
        "r3d-rgb+residual-frame_size128+171-fill_bankstrue-lr0.01-seed1",
        "r3d-rgb+residual-frame_size128+171-fill_bankstrue-lr1e-05-seed0",
    ]
    expected = {
        (backbone, str(views), rate, seed)
        for backbone in GRID["MODEL.BACKBONE"]
        for views in GRID["VIEWS"]
        for rate in GRID["OPTIM.LR"]
        for seed in GRID["SEED"]
    }
    got = {(m["MODEL.BACKBONE"], str(m["VIEWS"]), m["OPTIM.LR"], m["SEED"]) for m in members.values()}
    assert got == expected


def test_names_are_those_of_folders_and_do_not_become_too_long() -> None:
    (name,) = members_of({"DATA.ROOT": ["/data/my videos"]})
    assert name == "_data_my_videos"
    long = [f"{'x' * 300}{letter}" for letter in "ab"]
    names = list(members_of({"NAME": long}))
    assert len(set(names)) == 2
    assert all(len(name) == LONGEST_NAME for name in names)


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="grid: 2 members would be called seed0-r3d; name every value once"):
        members_of({"SEED": [0, 1, 0], "MODEL.BACKBONE": ["r3d"]})


def test_the_options_of_a_member_reach_the_configuration_as_they_are() -> None:
    for options in members_of(GRID).values():
        cfg = load_config(None, overrides_of({**options, "MODEL": {"OPTIONS": {"width": 0.5}}}))
        views = options["VIEWS"]
        assert (views if isinstance(views, list) else [views]) == cfg.VIEWS
        assert tuple(options[name] for name in ("MODEL.BACKBONE", "OPTIM.LR", "SEED")) == (
            cfg.MODEL.BACKBONE,
            cfg.OPTIM.LR,
            cfg.SEED,
        )
        assert (cfg.DATA.FRAME_SIZE, cfg.LOSS.FILL_BANKS, cfg.MODEL.OPTIONS.width) == ([128, 171], True, 0.5)
