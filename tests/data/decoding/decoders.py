"""The decoders to test: those of files, without the one whose package is not installed."""

from importlib import import_module

import pytest

from iic_ptv.data.decoding import DECODERS


def _has_torchcodec() -> bool:
    try:
        import_module("iic_ptv.data.decoding.torchcodec_reader")
    except (ImportError, RuntimeError, OSError):
        return False
    return True


HAS_TORCHCODEC = _has_torchcodec()
NEEDS_TORCHCODEC = pytest.mark.skipif(not HAS_TORCHCODEC, reason="needs torchcodec and FFmpeg's libraries")
FILE_DECODERS = [
    pytest.param(name, marks=NEEDS_TORCHCODEC if name == "torchcodec" else ()) for name in DECODERS if name != "frames"
]
