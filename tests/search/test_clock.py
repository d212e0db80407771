"""Times as people write them."""

import pytest

from iic_ptv.errors import InputError
from iic_ptv.search.clock import format_time, parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("12.5", 12.5), ("12.5s", 12.5), (" 7 ", 7), (".5", 0.5), ("1:02.25", 62.25), ("2:00:00", 7200)],
)
def test_times_are_read(text, seconds) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1:2:3:4", "1m", "nan", "1e3", ":5", "1:-5"])
def test_what_is_no_time_is_refused(text) -> None:
    with pytest.raises(InputError, match="is no time in a video: write it like"):
        parse_time(text)


@pytest.mark.parametrize("tenths", [0, 1, 9, 10, 599, 600, 35_999, 36_000, 123_456])
def test_times_come_back_as_they_were_written(tenths) -> None:
    assert parse_time(format_time(tenths / 10)) == pytest.approx(tenths / 10)


def test_tenths_are_rounded_into_the_next_minute() -> None:
    assert format_time(59.96) == "1:00.0"
