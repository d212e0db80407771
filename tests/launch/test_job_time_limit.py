"""Time limits as SLURM writes them."""

import pytest

from iic_ptv.errors import InputError
from iic_ptv.launch.time_limit import minutes_of


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("90", 90),
        (90, 90),
        ("1:30", 2),  # minutes and seconds, rounded up
        ("72:00:00", 72 * 60),
        ("00:00:01", 1),
        ("2-12", 60 * 60),
        ("2-12:00", 60 * 60),
        ("1-00:30:30", 24 * 60 + 31),
    ],
)
def test_all_forms_are_understood(text, minutes) -> None:
    assert minutes_of(text) == minutes


@pytest.mark.parametrize("text", ["3h", "", "0", "-5", "1:2:3:4", "1-", "a-b", "1.5"])
def test_others_are_refused_with_an_example(text) -> None:
    with pytest.raises(InputError, match=r"--time: expected minutes, 72:00:00 or 2-12:00"):
        minutes_of(text)
