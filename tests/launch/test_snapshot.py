"""The copy of the code that a job runs."""

import subprocess
import sys

import pytest

import iic_ptv
from iic_ptv.errors import InputError
from iic_ptv.launch.snapshot import take_snapshot
from iic_ptv.runs.folder import source_commit


def in_new_process(folder, code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], cwd="/", env={"PYTHONPATH": str(folder)}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_it_is_what_is_imported_with_its_commit_and_its_zoo(tmp_path) -> None:
    code = take_snapshot(tmp_path / "code")
    assert not list(code.rglob("__pycache__"))
    assert in_new_process(code, "import iic_ptv; print(iic_ptv.__file__)") == str(code / "iic_ptv" / "__init__.py")
    assert in_new_process(code, "from iic_ptv.runs.folder import source_commit as c; print(c())") == source_commit()
    records = "from iic_ptv.zoo.catalogue import records; print(*records())"
    assert in_new_process(code, records) == in_new_process(iic_ptv.__path__[0] + "/..", records) != ""


def test_it_does_not_change_with_what_it_is_of(tmp_path, monkeypatch) -> None:
    (tmp_path / "my_plugin.py").write_text("VALUE = 1\n")
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    code = take_snapshot(tmp_path / "code", ["my_plugin", "my_package.part", "torch"])
    for file in (tmp_path / "my_plugin.py", tmp_path / "my_package" / "__init__.py"):
        file.write_text("VALUE = 2\n")
    values = "import my_plugin, my_package; print(my_plugin.VALUE, my_package.VALUE)"
    assert in_new_process(code, values) == "1 1"
    assert not (code / "torch").exists()


def test_a_plugin_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match="PLUGINS: the module 'nowhere' cannot be found"):
        take_snapshot(tmp_path / "code", ["nowhere"])
