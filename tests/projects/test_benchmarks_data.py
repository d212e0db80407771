"""The benchmark of the data layer: every section measures what it says, here at its smallest; times are not judged."""

import json

import pytest

from projects.benchmarks import data, decode, faults, index, loader, memory
from projects.benchmarks.alternatives import CLIP_LENGTH
from projects.benchmarks.floor import decode_all, decode_needed, read_packets
from projects.benchmarks.timing import round_robin
from projects.benchmarks.videos import ENCODINGS, pictures, write_video

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("IIC_CACHE", str(tmp_path / "cache"))


def check_tables(section, results) -> None:
    """As they come out of ``data.json``, results make tables of whole rows."""
    for table in section.tables(json.loads(json.dumps(results))):
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_alternatives_take_turns_in_changing_orders() -> None:
    calls = []
    alternatives = {name: lambda item, name=name: calls.append((item, name)) or float(item) for name in "abc"}
    items = range(20)
    assert round_robin(alternatives, items) == {name: [float(item) for item in items] for name in "abc"}
    orders = ["".join(name for turn, name in calls if turn == item) for item in items]
    assert {"".join(sorted(order)) for order in orders} == {"abc"}
    assert {order[0] for order in orders} == set("abc")


def test_a_video_depends_on_its_seed_alone() -> None:
    first, again, other = ([picture.tolist() for picture in pictures(seed, 2, (32, 48))] for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
def test_floors_decode_the_clip_and_what_it_takes(tmp_path, encoding) -> None:
    video = write_video(tmp_path / f"video{encoding.extension}", 0, 60, encoding, (32, 48))
    for start in (0, 11, 12, 44):
        all_times = decode_all(read_packets(video, encoding.gop, start, CLIP_LENGTH))
        undecoded = read_packets(video, encoding.gop, start, CLIP_LENGTH)
        assert undecoded.packets[0].is_keyframe
        assert start % encoding.gop + CLIP_LENGTH <= len(all_times) == len(undecoded.packets)
        assert len(undecoded.clip) == CLIP_LENGTH
        assert undecoded.clip <= set(decode_needed(undecoded)) <= set(all_times)


def test_index(tmp_path) -> None:
    results = index.measure(tmp_path, num_videos=800, rounds=1, smallest=8, num_clips=2)
    assert [each["videos"] for each in results["growth"]] == [8, 80, 800]
    check_tables(index, results)


def test_decode(tmp_path) -> None:
    results = decode.measure(tmp_path, num_clips=1, num_frames=24)
    assert [video["encoding"] for video in results["videos"]] == [encoding.name for encoding in ENCODINGS]
    for video in results["videos"]:
        assert max(video["grey_levels_apart"].values()) < 1, "other frames than PyTorchVideo's"
    assert results["ahead"]["bytes"]["prepared"] < results["ahead"]["bytes"]["frames"]
    check_tables(decode, results)


def test_loader(tmp_path) -> None:
    results = loader.measure(tmp_path, num_videos=2, num_frames=20, repeats=1, num_passes=1)
    assert all(rate > 0 for rate in results["clips_per_s"].values())
    check_tables(loader, results)


def test_memory(tmp_path) -> None:
    results = memory.measure(tmp_path, num_decodes=110)
    assert [sample["clips"] for sample in results["samples"]] == list(range(0, 111, 11))
    # Six of eleven are broken; and decoders of files, of which six of ten rounds are, cannot read a folder of frames.
    # On a busy machine, reading others may exceed the limit of time, too.
    assert results["videos"] == 11
    assert 6 * 10 + 6 <= results["unreadable"] < 110
    check_tables(memory, results)


def test_faults(tmp_path) -> None:
    results = faults.measure(tmp_path, videos_per_class=8, num_epochs=1)
    assert results["clips_compared"] == 16 * 8
    assert results["clips_that_differ"] == 0
    assert results["named_besides"] == 0
    assert all(results["broken"].values()), "all are named in bad_videos.csv"
    assert results["run"]["epochs"] == 1
    check_tables(faults, results)


@pytest.mark.parametrize(("document", "sections"), [(data.README, data.SECTIONS), (data.FRONT_PAGE, ["loader"])])
def test_documents_have_the_tables_of_the_results(document, sections) -> None:
    text = document.read_text()
    assert data.with_tables(text, json.loads(data.RESULTS.read_text())) == text
    assert [section for section in data.SECTIONS if f"<!-- {section} -->" in text] == list(sections)
