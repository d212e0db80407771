"""What the tables say, as text."""

from rich.console import Console

from iic_ptv.data.preparation.manifest import ManifestRow
from iic_ptv.data.preparation.summary import REASONS, bad_table, collection_tables


def good(path: str, num_frames: int = 100, gop: int = 12, rate: float = 25.0, codec: str = "h264") -> ManifestRow:
    return ManifestRow(path, 500_000, 1, num_frames, rate, 240, 320, codec, gop, decoded="ends")


def bad(path: str, error: str) -> ManifestRow:
    return ManifestRow(path, 100, 1, error=error)


def lines_of(*parts) -> list[str]:
    """What is printed, with single spaces."""
    console = Console(width=120)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_what_a_collection_holds() -> None:
    videos = [good(f"{number}.mp4") for number in range(6)]
    odd = [
        good("film.avi", 90_000, gop=250, codec="mpeg4"),
        good("short.mp4", 10, gop=10),
        good("fast.mp4", rate=1800.0),
    ]
    lines = lines_of(*collection_tables([*videos, *odd, bad("bad.mp4", "the file is empty")]))
    for expected in (
        "videos 10, of which 1 cannot be read",
        "on disk 4.5 MB",
        "frames 90,710; 10 to 90,000 in a video, median 100",
        "duration 1:00:24 of 8 videos; 0.4 s to 1:00:00 in a video, median 4.0 s",
        "codec h264 8 88.9",
        "mpeg4 1 11.1",
        "height x width 240 x 320 9 100.0",
        "frames per second 25 8 88.9",
        "1800 1 11.1",
        "frames from keyframe to keyframe 2 to 12 8 88.9",
        "51 to 250 1 11.1",
        "the file is empty 1 bad.mp4",
        "shorter than 16 frames: DATA.SHORT says what becomes of them 1 short.mp4",
        "no frame rate, or above 240: leave DATA.FRAME_RATE at 0 1 fast.mp4",
        "over 50 frames from keyframe to keyframe: slow, see `iic prepare` 1 film.avi",
    ):
        assert expected in lines


def test_a_collection_of_nothing_but_good_or_bad_videos() -> None:
    assert "videos 1" in lines_of(*collection_tables([good("a.mp4")]))
    assert not any("cannot" in line or "suspicious" in line for line in lines_of(*collection_tables([good("a.mp4")])))
    assert "videos 1, of which 1 cannot be read" in lines_of(*collection_tables([bad("a.mp4", "it is damaged")]))


def test_many_values_and_reasons_are_summed_up() -> None:
    lines = lines_of(*collection_tables([good(f"{rate}.mp4", rate=float(rate)) for rate in range(1, 21)]))
    assert "14 others 14 70.0" in lines
    words = ["alpha", *(chr(97 + number) * 3 for number in range(REASONS + 1))]
    lines = lines_of(bad_table([bad("x.mp4", word) for word in words]))
    assert "other reasons, see the manifest 2" in lines


def test_reasons_that_differ_in_numbers_are_one_and_names_are_shown_as_they_are() -> None:
    rows = [bad(f"run/[red]{number}.mp4", f"its frame {number} cannot be decoded") for number in range(5)]
    assert "its frame # cannot be decoded 5 [red]0.mp4, [red]1.mp4, [red]2.mp4, ..." in lines_of(bad_table(rows))
