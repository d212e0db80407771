"""Known faults are tried on what is installed here."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from iic_ptv.runs.doctor import faults
from iic_ptv.runs.doctor.finding import State


def test_what_the_repairs_mend_is_not_broken() -> None:
    for look in (faults.look_at_transforms, faults.look_at_torchvision_decoder):
        (finding,) = look()
        assert finding.state in (State.FINE, State.KNOWN)
        assert ("import iic_ptv" in finding.mend) == (finding.state == State.KNOWN)


def test_the_decoder_of_torchvision_is_known_to_be_mended_where_it_is() -> None:
    (finding,) = faults.look_at_torchvision_decoder()
    can = hasattr(torch.ops.video_reader, "read_video_from_memory")
    assert finding.state == (State.FINE if can else State.KNOWN)


@pytest.mark.skipif(importlib.util.find_spec("decord") is None, reason="needs decord")
def test_decord_is_tried_on_a_video_without_sound() -> None:
    (finding,) = faults.look_at_decord_without_sound()
    assert finding.state in (State.FINE, State.KNOWN)
    assert ("decode_audio=False" in finding.mend) == (finding.state == State.KNOWN)


def test_a_plugin_that_cannot_be_loaded_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "broken_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[iic_ptv.plugins]\nviews = no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    (finding,) = faults.look_at_plugins()
    assert finding.state == State.BROKEN
    assert "broken-package" in finding.told
    assert finding.mend == "mend no_such_module, or do without: pip uninstall broken-package"
