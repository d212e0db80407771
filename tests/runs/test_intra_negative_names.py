"""What the options INTRA_NEGATIVE and INTRA_NEGATIVE_OPTIONS mean, and what is built of them."""

import pytest
import torch

from iic_ptv.config import load_config, parse_config
from iic_ptv.errors import InputError
from iic_ptv.registry import INTRA_NEGATIVES
from iic_ptv.runs.build import build_intra_negatives, build_task
from iic_ptv.runs.intra_negatives import intra_negative_names
from iic_ptv.transforms import freeze_segment, rotate_frames, shuffle_segments


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("none", []),
        ("shuffle+rotate", [["shuffle", "rotate"]]),
        ("repeat,shuffle", [["repeat"], ["shuffle"]]),
        ("repeat,shuffle+rotate+reverse,freeze", [["repeat"], ["shuffle", "rotate", "reverse"], ["freeze"]]),
        ("repeat,repeat", [["repeat"], ["repeat"]]),
    ],
)
def test_commas_are_several_and_plus_is_one_after_the_other(text, names) -> None:
    assert intra_negative_names(text) == names
    cfg = load_config(None, ["INTRA_NEGATIVE", text])
    assert len(build_intra_negatives(cfg)) == len(names)
    assert load_config(None, ["INTRA_NEGATIVE", cfg.INTRA_NEGATIVE]) == cfg


@pytest.mark.parametrize("name", INTRA_NEGATIVES.names())
def test_a_single_one_is_what_is_registered(name) -> None:
    (built,) = build_intra_negatives(load_config(None, ["INTRA_NEGATIVE", name]))
    assert type(built) is INTRA_NEGATIVES.get(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("repeet", "there is no 'repeet'. Did you mean repeat.*Registered: .*shuffle_frames"),
        ("repeat,shufle", "there is no 'shufle'. Did you mean shuffle"),
        ("repeat,,shuffle", "INTRA_NEGATIVE: expected names joined by .* got 'repeat,,shuffle'. Registered: freeze"),
        ("repeat+", "INTRA_NEGATIVE: .* got 'repeat[+]'"),
        ("none,repeat", "INTRA_NEGATIVE: .* none alone"),
        ("", "there is no ''"),
    ],
)
def test_what_is_no_intra_negative_is_refused_with_the_names_that_are(text, message) -> None:
    with pytest.raises(InputError, match=message):
        intra_negative_names(text)


def test_options_are_of_a_single_one_and_of_several_stand_under_their_name() -> None:
    clip = torch.rand(3, 8, 6, 6)

    def draws() -> torch.Generator:
        return torch.Generator().manual_seed(1)

    single = load_config(None, ["INTRA_NEGATIVE", "shuffle", "INTRA_NEGATIVE_OPTIONS.num_segments", "8"])
    (shuffle,) = build_intra_negatives(single)
    assert torch.equal(shuffle(clip, draws()), shuffle_segments(clip, 8, "swap", draws()))

    options = ["INTRA_NEGATIVE_OPTIONS.shuffle.num_segments", "8", "INTRA_NEGATIVE_OPTIONS.rotate.angles", "[90]"]
    several = load_config(None, ["INTRA_NEGATIVE", "freeze,shuffle+rotate", *options])
    assert parse_config(several.dump(), "a run") == several
    freeze, composed = build_intra_negatives(several)
    assert torch.equal(freeze(clip, draws()), freeze_segment(clip, generator=draws()))
    assert torch.equal(composed(clip, draws()), rotate_frames(shuffle_segments(clip, 8, "swap", draws()), (90,)))


@pytest.mark.parametrize(
    ("text", "option", "value", "message"),
    [
        ("repeat,shuffle", "num_segments", "8", r"stand under the name of theirs, such as \{shuffle"),
        ("repeat,shuffle", "rotate.angles", "[90]", "names are repeat, shuffle, got rotate"),
        ("repeat,shuffle", "shuffle.speed", "2", "INTRA_NEGATIVE_OPTIONS: .*speed"),
        ("shuffle", "shuffle.num_segments", "8", "INTRA_NEGATIVE_OPTIONS: .*'shuffle'"),
    ],
)
def test_options_of_others_are_refused(text, option, value, message) -> None:
    cfg = load_config(None, ["INTRA_NEGATIVE", text, f"INTRA_NEGATIVE_OPTIONS.{option}", value])
    with pytest.raises(InputError, match=message):
        build_intra_negatives(cfg)


@pytest.mark.parametrize(("text", "banks"), [("none", 2), ("repeat", 3), ("shuffle+rotate", 3), ("repeat,shuffle", 4)])
def test_every_kind_has_a_bank(text, banks) -> None:
    cfg = load_config(None, ["INTRA_NEGATIVE", text, "MODEL.OPTIONS.width", "0.0625"])
    assert build_task(cfg, num_videos=5, total_steps=1).loss.bank.shape == (banks, 5, 32)


def test_a_gradient_needs_intra_negatives() -> None:
    cfg = load_config(None, ["INTRA_NEGATIVE", "none", "LOSS.INTRA_GRADIENT", "True", "MODEL.OPTIONS.width", "0.0625"])
    with pytest.raises(InputError, match="intra_gradient"):
        build_task(cfg, num_videos=5, total_steps=1)
