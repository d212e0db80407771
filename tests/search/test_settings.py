"""Which indices are of the same settings."""

import pytest

from iic_ptv.errors import InputError
from iic_ptv.search.settings import check_settings, named_settings


def test_what_indices_did_not_name_before_there_was_a_choice_is_the_default() -> None:
    old = {"DATA.STRIDE": 1}
    assert named_settings({"DATA.STRIDE": 1, "EVAL.PRECISION": "32-true"}) == old
    check_settings("my.index", old, {"DATA.STRIDE": 1, "EVAL.PRECISION": "32-true"})
    mixed = named_settings({"DATA.STRIDE": 1, "EVAL.PRECISION": "bf16-mixed"})
    assert mixed == {"DATA.STRIDE": 1, "EVAL.PRECISION": "bf16-mixed"}
    check_settings("my.index", mixed, mixed)
    with pytest.raises(InputError, match=r"EVAL.PRECISION \(32-true there, bf16-mixed here\)"):
        check_settings("my.index", old, mixed)
    with pytest.raises(InputError, match=r"EVAL.PRECISION \(bf16-mixed there, 32-true here\)"):
        check_settings("my.index", mixed, old)


def test_settings_are_compared_either_way() -> None:
    for expected, given in (({"a": 1}, {}), ({}, {"a": 1}), ({"a": 1}, {"a": 2})):
        with pytest.raises(InputError, match=r"my\.index was made with other settings: a "):
            check_settings("my.index", expected, given)
