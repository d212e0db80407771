"""Files that tell how long they are, whole and cut off."""

from pathlib import Path

import pytest
from numbered_videos import cut_off, write_numbered_video

from iic_ptv.data.preparation.declared_size import declared_size

WRITERS = {
    "whole.avi": {"codec": "mpeg4", "b_frames": 0},
    "whole.mkv": {},
    "whole.webm": {"codec": "libvpx-vp9"},
    "whole.mp4": {},
    "faststart.mp4": {"container_options": {"movflags": "faststart"}},
    "fragmented.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "whole.mov": {"codec": "mpeg4"},
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_was_cut_off_is_shorter_than_it_says(tmp_path, name) -> None:
    whole = write_numbered_video(tmp_path / name, **WRITERS[name])
    size = whole.stat().st_size
    assert declared_size(str(whole)) == size
    for share in (0.5, 0.9):
        assert declared_size(str(cut_off(whole, tmp_path / "cut", share))) > int(share * size)


def test_files_that_do_not_tell(tmp_path) -> None:
    stream = write_numbered_video(tmp_path / "stream.ts")
    live = write_numbered_video(tmp_path / "live.mkv", container_options={"live": "1"})
    assert declared_size(str(stream)) == declared_size(str(live)) == 0
    for content in (b"", b"RIFF", b"RIFF\0", b"\x1a\x45\xdf\xa3", b"no video at all", b"\0\0\0\x08ftyp"):
        file = tmp_path / "file"
        file.write_bytes(content)
        assert declared_size(str(file)) in (0, len(content))


def test_real_files_are_whole(real_data) -> None:
    files: list[Path] = [*(real_data / "raw_samples").iterdir(), *(real_data / "real_actions/videos/Kick").iterdir()]
    assert all(declared_size(str(file)) <= file.stat().st_size for file in files)
