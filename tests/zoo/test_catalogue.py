"""The catalogue: records are found by name, near names are offered, and what is broken is named."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from published_checkpoint import NAME, publish_checkpoint

from iic_ptv.errors import InputError
from iic_ptv.zoo import catalogue
from iic_ptv.zoo.catalogue import catalogue_folder, default_record, find_record, record_text, records
from iic_ptv.zoo.record import Record


@pytest.fixture
def zoo(tmp_path) -> Path:
    publish_checkpoint(tmp_path)
    return tmp_path


def add(zoo: Path, record: Record) -> Path:
    path = zoo / "records" / f"{record.name}.json"
    path.write_text(record_text(record))
    return path


def test_our_own_is_found_in_a_checkout_and_in_an_installed_package(tmp_path, monkeypatch) -> None:
    assert (catalogue_folder() / "records").is_dir()
    monkeypatch.setattr(catalogue, "PACKAGE", tmp_path / "iic_ptv")
    assert catalogue_folder() == tmp_path / "model_zoo"
    (tmp_path / "iic_ptv/model_zoo").mkdir(parents=True)
    assert catalogue_folder() == tmp_path / "iic_ptv/model_zoo"


def test_records_are_found_by_name_in_order(zoo) -> None:
    record = find_record(NAME, zoo)
    add(zoo, replace(record, name="r3d.another"))
    assert list(records(zoo)) == ["r3d.another", NAME]
    assert records(zoo)[NAME] == record


def test_of_a_name_that_is_not_there_near_ones_are_offered_then_all(zoo) -> None:
    add(zoo, replace(find_record(NAME, zoo), name="c3d.other"))
    with pytest.raises(
        InputError, match=r"no checkpoint 'r3d\.smal'\. Did you mean r3d\.small\? It has: c3d\.other, r3d"
    ):
        find_record("r3d.smal", zoo)
    shutil.rmtree(zoo / "records")
    with pytest.raises(InputError, match="It has: none yet"):
        find_record(NAME, zoo)


def test_without_a_default_it_is_said_what_there_is(zoo) -> None:
    record = find_record(NAME, zoo)
    with pytest.raises(
        InputError, match=r"no default checkpoint for 'r3d'\. .*: r3d\.small; for other networks: nothing"
    ):
        default_record("r3d", zoo)
    add(zoo, replace(record, default=True))
    assert default_record("r3d", zoo).name == NAME
    add(zoo, replace(record, name="r3d.theirs", files=(), published="https://example.org/r3d.pth"))
    with pytest.raises(InputError, match=r"'c3d'\. For it, there is: nothing; for other networks: r3d\.small\."):
        default_record("c3d", zoo)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gflops": "many"}, "gflops: expected float, got 'many'"),
        ({"network": {}}, "network.architecture: missing"),
        ({"sise": 1}, "sise: there is no such field"),
        ({"name": "r3d.other"}, "name: expected r3d.small, as the file; got r3d.other"),
    ],
)
def test_a_broken_record_is_named_with_its_field(zoo, change, message) -> None:
    path = zoo / "records" / f"{NAME}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError) as error:
        records(zoo)
    assert str(error.value).startswith(f"{path}: this record is broken: {message}")


def test_what_is_no_json_is_named(zoo) -> None:
    (zoo / "records" / "r3d.empty.json").write_text("")
    with pytest.raises(InputError, match=r"r3d\.empty\.json: this record is not JSON"):
        records(zoo)
