"""Downloads: from a real server, with the faults that servers, networks and disks have."""

import hashlib
import multiprocessing
import resource
import signal
import urllib.request
from pathlib import Path

import pytest
from http_server import FileServer, closed_port, serving

from iic_ptv.errors import InputError
from iic_ptv.zoo import transfer
from iic_ptv.zoo.download import download

CONTENT = bytes(range(256)) * 4096  # 1 MiB
OTHER = CONTENT[::-1]
HASH = hashlib.sha256(CONTENT).hexdigest()
NAME = f"net-{HASH[:8]}.pth"
HALF = len(CONTENT) // 2


@pytest.fixture(autouse=True)
def no_pause(monkeypatch) -> None:
    monkeypatch.setattr(transfer, "PAUSE", 0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server():
    with serving({f"/{NAME}": CONTENT, "/net.pth": CONTENT}) as server:
        yield server


def visible(folder: Path) -> list[str]:
    """What lies in a folder beside locks."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def cut_off(server: FileServer, path: Path, **options) -> None:
    """Leave half of a file behind."""
    server.cut_after = HALF
    server.cuts = 10**6
    server.ranges, ranges = False, server.ranges
    with pytest.raises(InputError, match=f"{HALF:,} of {len(CONTENT):,} bytes came"):
        download(server.url(f"/{path.name}"), path, progress=False, **options)
    server.cut_after, server.ranges = None, ranges
    server.sent = 0
    server.requests.clear()


def test_a_file_comes_whole_and_is_fetched_once(server, tmp_path) -> None:
    path = tmp_path / "new" / NAME
    for _ in range(2):
        assert download(server.url(f"/{NAME}"), path, progress=False) == path
    assert path.read_bytes() == CONTENT
    assert visible(path.parent) == [NAME]
    assert server.requests == [("GET", f"/{NAME}", "")]


def test_a_cut_connection_is_gone_on_with(server, tmp_path) -> None:
    server.cut_after, server.cuts = 1000, 2
    download(server.url(f"/{NAME}"), tmp_path / NAME, progress=False)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert [asked for _, _, asked in server.requests] == ["", "bytes=1000-", "bytes=2000-"]
    assert server.sent == len(CONTENT)


@pytest.mark.parametrize(
    ("fault", "asked", "sent"),
    [
        ({}, [f"bytes={HALF}-"], HALF),
        ({"ranges": False}, [f"bytes={HALF}-"], len(CONTENT)),
        ({"validators": False}, [""], len(CONTENT)),
    ],
)
def test_what_an_earlier_download_left_is_gone_on_with_if_that_is_safe(fault, asked, sent, server, tmp_path) -> None:
    for name, value in fault.items():
        setattr(server, name, value)
    cut_off(server, tmp_path / NAME)
    assert f"{NAME}.part" in visible(tmp_path)
    assert NAME not in visible(tmp_path)
    download(server.url(f"/{NAME}"), tmp_path / NAME, progress=False)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert visible(tmp_path) == [NAME]
    assert ([each[2] for each in server.requests], server.sent) == (asked, sent)


@pytest.mark.parametrize("checks_if_range", [True, False])
@pytest.mark.parametrize("changed", [OTHER, OTHER[:1000]])
def test_parts_of_different_files_are_not_glued_together(changed, checks_if_range, server, tmp_path) -> None:
    cut_off(server, tmp_path / "net.pth")
    server.files["/net.pth"] = changed
    server.checks_if_range = checks_if_range
    download(server.url("/net.pth"), tmp_path / "net.pth", progress=False)
    assert (tmp_path / "net.pth").read_bytes() == changed


def test_a_part_of_another_address_is_not_gone_on_with(server, tmp_path) -> None:
    cut_off(server, tmp_path / "net.pth")
    server.files["/elsewhere.pth"] = OTHER
    download(server.url("/elsewhere.pth"), tmp_path / "net.pth", progress=False)
    assert (tmp_path / "net.pth").read_bytes() == OTHER
    assert server.requests == [("GET", "/elsewhere.pth", "")]


def test_a_part_that_is_already_whole_does_no_harm(server, tmp_path) -> None:
    cut_off(server, tmp_path / NAME)
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)  # killed before it was checked
    download(server.url(f"/{NAME}"), tmp_path / NAME, progress=False)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def _fetch_at_once(url: str, path: Path, barrier, results) -> None:
    barrier.wait()
    results.put(download(url, path, progress=False).read_bytes() == CONTENT)


def test_two_processes_fetch_a_file_once(server, tmp_path) -> None:
    fork = multiprocessing.get_context("fork")
    barrier, results = fork.Barrier(2), fork.Queue()
    arguments = (server.url(f"/{NAME}"), tmp_path / NAME, barrier, results)
    processes = [fork.Process(target=_fetch_at_once, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    assert [results.get(timeout=60) for _ in processes] == [True, True]
    for process in processes:
        process.join()
    assert [method for method, _, _ in server.requests] == ["GET"]


@pytest.mark.parametrize("given", [HASH, HASH.upper(), HASH[:16], ""])
def test_what_is_not_the_file_is_deleted_and_both_hashes_named(given, server, tmp_path) -> None:
    server.files[f"/{NAME}"] = OTHER
    with pytest.raises(InputError, match="the file was replaced") as raised:
        download(server.url(f"/{NAME}"), tmp_path / NAME, given, progress=False)
    for part in (server.url(f"/{NAME}"), hashlib.sha256(OTHER).hexdigest(), (given or HASH[:8]).lower()):
        assert part in str(raised.value)
    assert visible(tmp_path) == []


def test_a_given_hash_counts_whatever_the_name(server, tmp_path) -> None:
    assert download(server.url("/net.pth"), tmp_path / "net.pth", HASH, progress=False).read_bytes() == CONTENT
    with pytest.raises(InputError, match="was deleted"):
        download(server.url("/net.pth"), tmp_path / "other.pth", "0" * 64, progress=False)


def test_a_damaged_file_is_repaired(server, tmp_path, caplog) -> None:
    (tmp_path / NAME).write_bytes(CONTENT[:-1])
    download(server.url(f"/{NAME}"), tmp_path / NAME, progress=False)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert f"{NAME} is damaged" in caplog.text
    assert "could not be checked" not in caplog.text


def test_what_cannot_be_checked_is_said_to_be_so(server, tmp_path, caplog) -> None:
    download(server.url("/net.pth"), tmp_path / "net.pth", progress=False)
    assert "could not be checked" in caplog.text


def test_servers_that_are_busy_are_asked_again(server, tmp_path) -> None:
    server.status, server.failures = 503, 2
    assert download(server.url(f"/{NAME}"), tmp_path / NAME, progress=False).read_bytes() == CONTENT
    server.failures = None
    with pytest.raises(InputError, match=r"failed 5 times.*503"):
        download(server.url("/net.pth"), tmp_path / "net.pth", progress=False)


def test_nothing_there(server, tmp_path) -> None:
    with pytest.raises(InputError, match=r"none.pth: the server answers 404") as raised:
        download(server.url("/none.pth"), tmp_path / NAME, progress=False)
    assert f"with the SHA-256 {HASH[:8]}, that you bring to {tmp_path / NAME}" in str(raised.value)
    server.status = 403
    with pytest.raises(InputError, match="403"):
        download(server.url(f"/{NAME}"), tmp_path / NAME, progress=False)
    assert visible(tmp_path) == []


def test_no_network_and_what_is_there_already(tmp_path) -> None:
    with closed_port() as address:
        with pytest.raises(InputError, match=rf"^{address}/{NAME}: it cannot be reached .*refused"):
            download(f"{address}/{NAME}", tmp_path / NAME, progress=False)
        (tmp_path / NAME).write_bytes(OTHER)
        with pytest.raises(InputError, match="cannot be reached"):
            download(f"{address}/{NAME}", tmp_path / NAME, progress=False)
        assert (tmp_path / NAME).read_bytes() == OTHER
        (tmp_path / NAME).write_bytes(CONTENT)
        assert download(f"{address}/{NAME}", tmp_path / NAME, progress=False).read_bytes() == CONTENT


@pytest.mark.parametrize("url", ["net.pth", "gopher://host/net.pth", "http://", "http://host/a b\n"])
def test_no_address(url, tmp_path) -> None:
    with pytest.raises(InputError, match=r"this is no address|cannot be reached"):
        download(url, tmp_path / "net.pth", progress=False)


def test_more_than_the_disk_holds_is_not_begun(server, tmp_path) -> None:
    server.length = 10**16
    with pytest.raises(InputError, match=r"10,000,000,000,000,000 bytes are needed .* TORCH_HOME"):
        download(server.url(f"/{NAME}"), tmp_path / NAME, progress=False)
    assert visible(tmp_path) == []


def test_a_disk_that_gets_full_is_left_as_it_was(server, tmp_path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, hard))
    try:
        with pytest.raises(InputError, match=rf"{NAME}: cannot be written \(File too large"):
            download(server.url(f"/{NAME}"), tmp_path / NAME, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN
    assert visible(tmp_path) == []


@pytest.mark.parametrize("place", ["/sys/kernel/net.pth", "/proc/none/net.pth", "{file}/net.pth", "{file}/a/net.pth"])
def test_folders_that_cannot_be_written_to(place, server, tmp_path) -> None:
    (tmp_path / "file").write_text("a file")
    path = Path(place.format(file=tmp_path / "file"))
    with pytest.raises(InputError, match=rf"{path}: cannot be written .*TORCH_HOME"):
        download(server.url("/net.pth"), path, progress=False)
    assert server.requests == []


def test_a_folder_in_place_of_the_file(server, tmp_path) -> None:
    with pytest.raises(InputError, match="this is a folder"):
        download(server.url("/net.pth"), tmp_path, progress=False)


def test_files_of_this_machine(tmp_path) -> None:
    (tmp_path / "here.pth").write_bytes(CONTENT)
    url = (tmp_path / "here.pth").as_uri()
    assert download(url, tmp_path / "copies" / NAME, progress=False).read_bytes() == CONTENT
    with pytest.raises(InputError, match=r"none.pth: it cannot be reached"):
        download((tmp_path / "none.pth").as_uri(), tmp_path / "copies" / "none.pth", progress=False)


def test_proxies_are_used(server, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.setattr(urllib.request, "_opener", None)  # it looks for proxies when it is made
    download(f"http://weights.invalid/{NAME}", tmp_path / NAME, progress=False)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_bar_is_shown_if_wanted(server, tmp_path, capsys) -> None:
    download(server.url(f"/{NAME}"), tmp_path / NAME)
    shown = capsys.readouterr().err
    assert f"{NAME}: 100%" in shown
    assert "1.00M/1.00M" in shown
    download(server.url(f"/{NAME}"), tmp_path / "copies" / NAME, progress=False)
    assert capsys.readouterr().err == ""
