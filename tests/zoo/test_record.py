"""The records of our own zoo: complete, honest about their sources, and true of the files that come with them."""

import json
from pathlib import Path

import pytest

from iic_ptv.registry import BACKBONES, INTRA_NEGATIVES, VIEWS
from iic_ptv.runs.zoo.pinned import deviation
from iic_ptv.zoo.build import build_network
from iic_ptv.zoo.catalogue import RECORDS, WEIGHTS, catalogue_folder, read_record, record_text
from iic_ptv.zoo.record import MEASURED, NAME, REPORTED, Record
from iic_ptv.zoo.weights_file import hash_in_name, read_weights, sha256_of

FOLDER = catalogue_folder()
PATHS = sorted((FOLDER / RECORDS).glob("*.json"))


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def record(request) -> Record:
    return read_record(request.param)


def test_there_are_records() -> None:
    assert PATHS


def test_a_record_is_written_as_it_is_read(record) -> None:
    assert (FOLDER / RECORDS / f"{record.name}.json").read_text() == record_text(record)


def test_names_are_of_architecture_and_tag(record) -> None:
    assert NAME.fullmatch(record.name)
    assert record.name.partition(".")[0] == record.network.architecture
    assert record.network.architecture in BACKBONES
    assert all(view in VIEWS for view in record.network.views)
    assert record.pretraining.intra_negative in {*INTRA_NEGATIVES.names(), "none"}
    assert record.network.num_networks in (1, len(record.network.views))


def test_it_says_what_one_must_know_to_trust_it(record) -> None:
    assert all((record.title, record.licence, record.pretraining.data, record.pretraining.data_licence))
    if record.files:
        assert record.pinned_clip is not None
        assert not record.published
        assert all((FOLDER / RECORDS / file).is_file() for file in (record.config, record.log))
    else:
        assert record.published.startswith("https://")
        assert record.how_to_convert.startswith("iic convert")
        assert not record.default


def test_figures_name_their_data_protocol_and_source(record) -> None:
    assert {metric.source for metric in record.metrics} <= {MEASURED, REPORTED}
    for metric in record.metrics:
        assert all((metric.name, metric.data, metric.view, metric.date))
        assert 0 <= metric.value <= 100
        assert (metric.source == MEASURED) == bool(record.files)


def test_no_folder_of_a_machine_is_published(record) -> None:
    texts = [path.read_text() for path in (FOLDER / RECORDS).glob(f"{record.name}.*")]
    assert not any(f"{folder}/" in text for text in texts for folder in ("/home", "/root", "/tmp", "/work", "/mnt"))


def test_at_most_one_checkpoint_of_an_architecture_is_its_default() -> None:
    architectures = [record.network.architecture for record in map(read_record, PATHS) if record.default]
    assert len(set(architectures)) == len(architectures)


def test_files_are_called_by_their_hash(record) -> None:
    for file in record.files:
        assert file.file.startswith(f"{record.name}-")
        assert len(file.sha256) == 64
        assert file.sha256.startswith(hash_in_name(file.file))


def shipped(record: Record) -> list[Path]:
    return [path for path in (FOLDER / WEIGHTS / file.file for file in record.files) if path.exists()]


def test_what_comes_with_the_package_is_what_was_published(record) -> None:
    facts = {file.file: (file.bytes, file.sha256) for file in record.files}
    for path in shipped(record):
        assert (path.stat().st_size, sha256_of(path)) == facts[path.name]
        weights = read_weights(path)
        assert weights.network == record.network
        assert sum(p.numel() for p in build_network(weights).parameters()) == record.parameters
        assert record.pinned_clip is not None
        assert deviation(record.pinned_clip, weights) <= record.pinned_clip.tolerance


def test_all_files_can_be_had_and_all_that_are_there_belong_to_a_record() -> None:
    known = {file.file: (file, record) for record in map(read_record, PATHS) for file in record.files}
    assert {path.name for path in (FOLDER / WEIGHTS).glob("[!.]*")} <= set(known)
    for file, record in known.values():
        assert file.url or shipped(record)


def test_files_beside_the_records_belong_to_them() -> None:
    beside = {name for path in PATHS for name in json.loads(path.read_text()).items() if name[0] in ("config", "log")}
    found = {path.name for path in (FOLDER / RECORDS).glob("[!.]*") if path.suffix != ".json"}
    assert found == {name for _, name in beside if name}
