"""Where caches go."""

import tempfile
from pathlib import Path

import pytest

from iic_ptv.data.cache import cache_folder


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"IIC_CACHE": "/own", "XDG_CACHE_HOME": "/xdg", "HOME": "/home/me"}, "/own"),
        ({"IIC_CACHE": "~/own", "HOME": "/home/me"}, "/home/me/own"),
        ({"XDG_CACHE_HOME": "/xdg", "HOME": "/home/me"}, "/xdg/iic_ptv"),
        ({"HOME": "/home/me"}, "/home/me/.cache/iic_ptv"),
        ({"IIC_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/home/me"}, "/home/me/.cache/iic_ptv"),
        ({"HOME": "nowhere"}, f"{tempfile.gettempdir()}/iic_ptv"),
    ],
)
def test_cache_folder(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], folder: str) -> None:
    for name in ("IIC_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(folder)
