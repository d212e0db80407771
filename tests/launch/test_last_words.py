"""The last line of a log."""

import pytest

from iic_ptv.launch.last_words import TAIL, last_line, readable


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\ntwo\n\n", "two"),
        ("one\ntwo", "two"),
        ("one\rtwo\r", "two"),  # a bar that draws itself over itself
        ("\x1b[1;32mgreen\x1b[0m\x1b[K\x1b]0;title\x07 text\n", "green text"),
        ("\x1b[2K\n\x1b[?25h\n", ""),
        (" 45%|████▌     | 9/20 [00:01<00:02,  8.1it/s]", "45% 9/20 [00:01<00:02, 8.1it/s]"),
        ("pre-training ━━━━╸               184/6000 80 clips/s", "pre-training 184/6000 80 clips/s"),
        ("loss 3.1\nsubmitit INFO (2026-01-01 00:00:00,000) - Job completed successfully\n", "loss 3.1"),
        ("a | b\n", "a | b"),
        ("grün\x00\x08\t!\n", "grün !"),
        ("", ""),
    ],
)
def test_it_reads_as_a_person_would_want_it(tmp_path, text, line) -> None:
    (tmp_path / "log").write_bytes(text.encode())
    assert last_line(tmp_path / "log") == line


def test_a_long_log_is_read_from_its_end_wherever_that_falls(tmp_path) -> None:
    (tmp_path / "log").write_text("ü" * TAIL + "\n" + "ß" * (TAIL // 2 - 3) + "\nlast\n")
    assert last_line(tmp_path / "log") == "last"
    (tmp_path / "log").write_text("x" + "ü" * TAIL)  # the tail begins in the middle of a letter
    assert set(last_line(tmp_path / "log")) == {"ü"}


def test_there_may_be_no_log_yet(tmp_path) -> None:
    assert last_line(tmp_path / "log") == ""


def test_a_readable_line_stays_as_it_is() -> None:
    line = "pre-training: epoch 3 of 240, step 1,234 of 9,000, loss 11.27, 1340 clips/s"
    assert readable(line) == line
