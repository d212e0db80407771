"""Files by name: paths, the web, S3, the zoo."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from http_server import serving
from published_checkpoint import NAME, publish_checkpoint

from iic_ptv.errors import InputError
from iic_ptv.zoo import transfer
from iic_ptv.zoo.fetch import fetch, weights_folder
from iic_ptv.zoo.paths import local_path, path_manager


@pytest.fixture(autouse=True)
def own_cache_of_torch(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(transfer, "PAUSE", 0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setattr("iic_ptv.zoo.catalogue.PACKAGE", tmp_path / "package")
    return publish_checkpoint(tmp_path / "package" / "model_zoo")


@pytest.mark.parametrize("name", ["runs/last.ckpt", "/none", "a: b", "C:\\x", "~/x", ""])
def test_plain_paths_stay_as_they_are(name) -> None:
    assert local_path(name) == Path(name)
    assert local_path(Path(name)) == Path(name)


def test_plain_paths_do_not_load_iopath() -> None:
    code = "import sys; from iic_ptv.zoo.paths import local_path; local_path('a/b'); print('iopath' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_files_of_the_web_are_kept_by_their_whole_address(tmp_path) -> None:
    with serving({"/a/net.yaml": b"one", "/b/net.yaml": b"two"}) as server:
        paths = [local_path(server.url(f"/{folder}/net.yaml")) for folder in "abab"]
        assert [path.read_bytes() for path in paths] == [b"one", b"two"] * 2
        assert paths[:2] == paths[2:]
        assert len(server.requests) == 2
        assert all(path.is_relative_to(weights_folder()) and path.name == "net.yaml" for path in paths)
        assert local_path(server.url("/a/net.yaml").replace("http", "HTTP")) == paths[0]

        server.files["/a/net.yaml"] = b"new"
        path_manager().get_local_path(server.url("/a/net.yaml"), force=True)
        assert paths[0].read_bytes() == b"new"


@pytest.mark.parametrize("path", ["", "/", "/..", "/%2e%2e%2f%2e%2e%2fx", "/a?x=/../../b", f"/{'x' * 300}.pth"])
def test_no_address_leads_out_of_the_cache(path, tmp_path) -> None:
    with serving({}) as server:
        server.files = dict.fromkeys(["", "/", "/a", path.partition("?")[0]], b"content")
        found = local_path(server.url(path))
    assert found.read_bytes() == b"content"
    assert found.resolve().parents[1] == weights_folder() / "urls"


def test_names_on_the_web_are_checked_by_the_hash_that_they_end_with() -> None:
    with serving({"/net-1a2b3c4d.pth": b"content"}) as server, pytest.raises(InputError, match="1a2b3c4d"):
        local_path(server.url("/net-1a2b3c4d.pth"))


def test_files_of_this_machine(tmp_path) -> None:
    (tmp_path / "a b.txt").write_text("here")
    assert local_path((tmp_path / "a b.txt").as_uri()) == tmp_path / "a b.txt"


def test_names_of_the_zoo(record) -> None:
    assert local_path(f"iic://{NAME}") == fetch(record)
    assert local_path(f"iic://{NAME}/{record.files[1].file}") == fetch(record, ".safetensors")
    assert "SEED: 11" in local_path(f"iic://{NAME}/config.yaml").read_text()
    assert local_path(f"iic://{NAME}/{record.log}") == local_path(f"iic://{NAME}/log.csv")
    with path_manager().open(f"iic://{NAME}/log.csv") as file:
        assert file.readline() == "step,loss\n"


def test_names_that_the_zoo_does_not_have(record) -> None:
    with pytest.raises(InputError, match=f"no checkpoint 'r3d.smal'.*{NAME}"):
        local_path("iic://r3d.smal")
    with pytest.raises(InputError, match=rf"iic://{NAME}/video.mp4: .*it has: config.yaml, log.csv, .*\.pth"):
        local_path(f"iic://{NAME}/video.mp4")
    with pytest.raises(InputError, match="has no such file"):
        local_path(f"iic://{NAME}/../../secret")
    assert not path_manager().exists("iic://r3d.smal")
    assert path_manager().isfile(f"iic://{NAME}/log.csv")


def test_others_cannot_be_written_to(record) -> None:
    with pytest.raises(InputError, match="read, but not written"):
        path_manager().open(f"iic://{NAME}/log.csv", "w")
    assert local_path(f"iic://{NAME}/log.csv").read_text()


def test_unknown_schemes_are_named() -> None:
    with pytest.raises(InputError, match=r"gs://a/b: gs:// is not known; http://.*iic:// are"):
        local_path("gs://a/b")


@pytest.mark.skipif(find_spec("boto3") is not None, reason="boto3 is installed")
def test_s3_needs_boto3() -> None:
    with pytest.raises(InputError, match=r"s3://bucket/net.pth: .*pip install boto3"):
        local_path("s3://bucket/net.pth")


def test_s3(monkeypatch) -> None:
    pytest.importorskip("boto3")
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with serving({"/one/net.pth": b"one", "/two/net.pth": b"two", "/one/net-1a2b3c4d.pth": b"other"}) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url(""))
        assert [local_path(f"s3://{bucket}/net.pth").read_bytes() for bucket in ("one", "two")] == [b"one", b"two"]
        with pytest.raises(InputError, match=r"s3://one/none.pth: it cannot be had"):
            local_path("s3://one/none.pth")
        with pytest.raises(InputError, match="SHA-256"):
            local_path("s3://one/net-1a2b3c4d.pth")


def test_the_global_path_manager_stays_as_it_is(record) -> None:
    from iopath.common.file_io import g_pathmgr

    assert path_manager() is path_manager()
    assert path_manager() is not g_pathmgr
    assert not g_pathmgr.exists(f"iic://{NAME}")
