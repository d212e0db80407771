"""torch.hub, from GitHub, with torch and torchvision alone: online, and from the cache."""

import importlib.metadata
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from http_server import serving
from packaging.requirements import Requirement
from small_zoo import SmallZoo, embedded, small_networks, small_zoo, weights_of, write_record

from iic_ptv.models import Backbone
from iic_ptv.transforms import ClipTransform
from iic_ptv.zoo.catalogue import records
from iic_ptv.zoo.hub import ARCHITECTURES
from iic_ptv.zoo.weights_file import write_weights

ROOT = Path(__file__).parents[1]
HEAVY = ["fvcore", "yaml", "iopath", "lightning", "pytorchvideo", "rich", "safetensors", "av", "matplotlib"]

# Runs with torch and torchvision alone, twice: with a server in the place of GitHub, and without.
FROM_GITHUB = """
import importlib.util, json, sys
site, server, *others = sys.argv[1:]
sys.path.append(site)
import torch
torch.hub._git_archive_link = lambda owner, name, ref: f"{server}/{owner}/{name}/zipball/{ref}"
repository, trust = "OWNER/iic_ptv:main", {"skip_validation": True, "trust_repo": True}
found = {"importable": [name for name in HEAVY if importlib.util.find_spec(name)]}
found["entry points"] = torch.hub.list(repository, **trust)
found["help"] = torch.hub.help(repository, "r3d", **trust)
transform = torch.hub.load(repository, "clip_transform", weights="r3d", num_clips=2, **trust)
video = (torch.arange(3 * 9 * 20 * 24) % 251).to(torch.uint8).view(3, 9, 20, 24)
for name, weights in {"shipped": {"pretrained": True}, "downloaded": {"weights": "r3d.far"}}.items():
    network = torch.hub.load(repository, "r3d", **weights, progress=False, **trust).eval()
    with torch.no_grad():
        found[name] = network(transform(video)).mean(0).tolist()
found["imported"] = [name for name in ["torchvision", *HEAVY] if name in sys.modules]
for name in others:
    network = torch.hub.load(repository, name, **trust).eval()
    with torch.no_grad():
        found[name] = list(network(torch.rand(1, 3, 4, 16, 16)).shape)
print(json.dumps(found))
"""


def lean_site(folder: Path) -> Path:
    """A folder of packages with torch, torchvision and what these require, and nothing else."""
    folder.mkdir()
    found, wanted = set(), [Requirement("torch"), Requirement("torchvision")]
    while wanted:
        dependent = wanted.pop()
        distribution = importlib.metadata.distribution(dependent.name)
        if (distribution.name, *sorted(dependent.extras)) in found:
            continue
        found.add((distribution.name, *sorted(dependent.extras)))
        for requirement in map(Requirement, distribution.requires or []):
            marker = requirement.marker
            if not marker or any(marker.evaluate({"extra": extra}) for extra in dependent.extras or [""]):
                wanted.append(requirement)
        for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            link = folder / top
            if not link.exists():
                link.symlink_to(distribution.locate_file(top))
    return folder


def tree() -> list[Path]:
    """The files of this repository, those included that are not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def as_github_zips(zoo: SmallZoo) -> bytes:
    """The repository, with a small zoo, under the folder that GitHub puts into its archives."""
    files = {path: ROOT / path for path in tree() if path.parts[0] != "model_zoo"}
    files |= {"model_zoo" / path.relative_to(zoo.folder): path for path in zoo.folder.rglob("*.*")}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("OWNER-iic_ptv-1a2b3c4/", "")
        for name, path in files.items():
            archive.write(path, f"OWNER-iic_ptv-1a2b3c4/{name}")
    return buffer.getvalue()


@dataclass(frozen=True)
class FromGitHub:
    """What the hub gave of the repository as GitHub serves it.

    Attributes:
        online: with the server.
        offline: the same later, without.
        requests: paths that were asked for.
        distant: the network whose weights were downloaded.
    """

    online: dict[str, Any]
    offline: dict[str, Any]
    requests: list[str]
    distant: Backbone


@pytest.fixture(scope="module")
def zoo(tmp_path_factory) -> SmallZoo:
    return small_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def from_github(zoo, tmp_path_factory) -> FromGitHub:
    folder = tmp_path_factory.mktemp("github")
    site = lean_site(folder / "site")
    distant = small_networks(2)[1]
    file = write_weights(folder, "r3d.far", weights_of([distant]), ".pth")
    script = f"HEAVY = {HEAVY!r}{FROM_GITHUB}"

    def run(*others: str) -> dict[str, Any]:
        command = [sys.executable, "-I", "-S", "-c", script, str(site), server.url(""), *others]
        environment = {**os.environ, "TORCH_HOME": str(folder / "torch")}
        result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout.splitlines()[-1])

    with serving({}) as server:
        write_record(zoo.folder, "r3d.far", file, server.url(f"/{file.name}"))
        server.files["/OWNER/iic_ptv/zipball/main"] = as_github_zips(zoo)
        server.files[f"/{file.name}"] = file.read_bytes()
        online = run("s3d")
    return FromGitHub(online, run(), [path for _, path, _ in server.requests], distant)


def test_github_serves_the_entry_points_and_nothing_else(from_github) -> None:
    assert sorted(from_github.online["entry points"]) == sorted([*ARCHITECTURES, "clip_transform"])
    text = from_github.online["help"]
    for word in ("pretrained", "weights", "num_classes", "in_views", "(B, 3, T, H, W)", "Returns:", "Example:"):
        assert word in text
    assert "{" not in text


def test_torch_and_torchvision_are_enough(from_github, zoo) -> None:
    assert from_github.online["importable"] == []
    assert from_github.online["imported"] == []
    assert from_github.online["s3d"] == [1, 1024]
    video = (torch.arange(3 * 9 * 20 * 24) % 251).to(torch.uint8).view(3, 9, 20, 24)
    given = ClipTransform(length=4, stride=2, frame_size=(20, 24), crop=16, num_clips=2)(video)
    for name, network in {"shipped": zoo.network, "downloaded": from_github.distant}.items():
        expected = embedded(network, given).mean(0)
        torch.testing.assert_close(torch.tensor(from_github.online[name]), expected, rtol=1e-4, atol=1e-5)


def test_without_a_network_the_cache_gives_the_same(from_github) -> None:
    assert from_github.offline == {name: from_github.online[name] for name in from_github.offline}
    assert {"shipped", "downloaded"} < set(from_github.offline)
    assert len(from_github.requests) == 2  # the repository and the weights, once


def test_shipped_weights_are_in_the_tree_that_github_zips() -> None:
    paths = set(tree())
    for record in records().values():
        for file in record.files:
            assert file.url or file.file.endswith(".safetensors") or Path("model_zoo/weights", file.file) in paths
