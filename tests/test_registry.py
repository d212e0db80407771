"""The registries: lazy, complete, and helpful when a name is wrong."""

import subprocess
import sys

import pytest

from iic_ptv import registry
from iic_ptv.errors import InputError
from iic_ptv.registry import Registry, load_plugins

REGISTRIES = [
    registry.VIEWS,
    registry.INTRA_NEGATIVES,
    registry.LOSSES,
    registry.BACKBONES,
    registry.TASKS,
    registry.DATASETS,
]


@pytest.mark.parametrize("parts", REGISTRIES, ids=lambda parts: parts._name)
def test_every_name_leads_to_a_part(parts: Registry) -> None:
    assert parts.names()
    for name, part in parts:
        assert callable(part), name
        assert parts.get(name) is part


def test_unknown_names_are_answered_with_near_and_all_names() -> None:
    with pytest.raises(InputError, match=r"Did you mean r3d.*Registered: .*c3d") as error:
        registry.BACKBONES.get("r3dd")
    assert isinstance(error.value, KeyError)


def test_a_name_clash_is_an_error() -> None:
    parts = Registry("PARTS", "anything")
    parts.register_lazily("ordered", "collections:OrderedDict")
    with pytest.raises(InputError, match="'ordered' is taken"):
        parts.register(dict, name="ordered")
    parts.register(dict)
    with pytest.raises(InputError, match="'dict' is taken"):
        parts.register_lazily("dict", "builtins:dict")


def test_registering_with_options_and_as_a_decorator() -> None:
    parts = Registry("PARTS", "anything")
    parts.register_lazily("binary", "builtins:int", base=2)

    @parts.register(name="mine")
    def part() -> str:
        return "mine"

    assert parts.get("binary")("101") == 5
    assert parts.get("mine")() == "mine"
    assert parts.names() == ["binary", "mine"]
    assert "mine" in parts
    assert "yours" not in parts


def test_a_failing_import_does_not_lose_the_entry() -> None:
    parts = Registry("PARTS", "anything")
    parts.register_lazily("broken", "no_such_module:part")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError):
            parts.get("broken")


def test_plugins_register_their_parts(tmp_path) -> None:
    (tmp_path / "my_views.py").write_text(
        "from iic_ptv.registry import VIEWS\n@VIEWS.register(name='mine')\ndef mine():\n    return 'my view'\n"
    )
    code = "from iic_ptv.registry import *; load_plugins(['my_views']); print(VIEWS.get('mine')())"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert result.stdout.strip() == "my view"


def test_a_missing_plugin_is_named() -> None:
    with pytest.raises(InputError, match="'no_such_plugin'"):
        load_plugins(["no_such_plugin"])
