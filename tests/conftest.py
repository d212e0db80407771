"""Fixtures that all tests share: small collections of real video files."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

# Before torch is imported, here and in the commands that tests run: test processes share the cores, and threads that
# wait for each other on a busy core are many times slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from numbered_videos import FRAMES, cut_off, write_audio, write_numbered_video

# What a shell runs in the background ignores Ctrl-C, and so would the commands that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

CLASSES = ("jump", "run", "walk")
VIDEOS_PER_CLASS = 3


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Share the tests out by files, whose fixtures may take long, but those on the SLURM cluster one after the other.

    Some of them take its nodes away.
    """
    for item in items:
        on_cluster = "slurm" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("slurm" if on_cluster else item.location[0]))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what tests cache, also in the commands that they run, away from the user's cache and from other tests'."""
    os.environ["IIC_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def video_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine MP4s of 20 frames, 32 x 64 pixels, in three class folders: ``jump/v_jump_g01_c01.mp4``, ...

    Frame f of video v (in the order of paths) carries the number 20 v + f, see :mod:`numbered_videos`.
    """
    root = tmp_path_factory.mktemp("videos")
    names = [(name, group) for name in CLASSES for group in range(1, VIDEOS_PER_CLASS + 1)]
    for video, (name, group) in enumerate(names):
        write_numbered_video(root / name / f"v_{name}_g{group:02}_c01.mp4", FRAMES, first=FRAMES * video)
    return root


@pytest.fixture(scope="session")
def bad_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files that look like videos and cannot be read, by what is wrong with them."""
    root = tmp_path_factory.mktemp("bad")
    good = write_numbered_video(root / "good.mp4")
    streamable = write_numbered_video(root / "streamable.mp4", container_options={"movflags": "faststart"})
    (root / "text.mp4").write_text("This is not a video.\n" * 40)
    (root / "empty.mp4").touch()
    return {
        "text": root / "text.mp4",
        "empty": root / "empty.mp4",
        "truncated": cut_off(good, root / "truncated.mp4"),
        "truncated_streamable": cut_off(streamable, root / "truncated_streamable.mp4"),
        "sound": write_audio(root / "sound.mp4"),
        "missing": root / "missing.mp4",
        "folder": root,
    }


@pytest.fixture(scope="session")
def mixed_folder(tmp_path_factory: pytest.TempPathFactory, bad_files: dict[str, Path]) -> Path:
    """A class folder of two good videos and four that cannot be read."""
    root = tmp_path_factory.mktemp("mixed")
    for video, name in enumerate(("a_good.mp4", "z_good.mp4")):
        write_numbered_video(root / "class" / name, FRAMES, first=FRAMES * video)
    for fault in ("text", "empty", "truncated", "sound"):
        (root / "class" / f"{fault}.mp4").write_bytes(bad_files[fault].read_bytes())
    return root


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real videos, ``real_actions`` and ``raw_samples``; tests that need it are skipped without."""
    root = Path(os.environ.get("IIC_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"needs real videos: set IIC_REAL_DATA to their folder ({root} does not exist)")
    return root


@pytest.fixture(scope="session")
def slurm() -> Path:
    """The script whose two-node SLURM cluster is up on this machine; tests that need the cluster are skipped without.

    No other cluster will do: tests must not run on somebody's real one.
    """
    script = Path(__file__).parents[1] / "projects" / "clusters" / "one_machine_slurm.sh"
    nodes = subprocess.run([script, "status"], capture_output=True, text=True)
    if nodes.returncode:
        pytest.skip(f"needs the cluster of '{script} start', run as root: {nodes.stderr or nodes.stdout}")
    settings = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True).stdout
    # The script looks at the cluster of this machine; the commands of SLURM may be set to another.
    if ["ClusterName", "=", "iic-one-machine"] not in [line.split() for line in settings.splitlines()]:
        pytest.skip(f"needs SLURM's commands to reach the cluster of '{script}': unset SLURM_CONF")
    return script
