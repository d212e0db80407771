"""Publishing real runs: what is written is true, repeatable, says nothing of the machine, and is written whole."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from iic_ptv.cli.main import main
from iic_ptv.config import load_config
from iic_ptv.data.procedural import write_videos
from iic_ptv.errors import InputError
from iic_ptv.runs.checkpoint import read_checkpoint
from iic_ptv.runs.zoo import publish as publishing
from iic_ptv.runs.zoo.commands import publish_command
from iic_ptv.runs.zoo.pinned import deviation
from iic_ptv.runs.zoo.publish import publish
from iic_ptv.runs.zoo.request import Request
from iic_ptv.zoo.build import build_network
from iic_ptv.zoo.catalogue import records
from iic_ptv.zoo.record import Metric, Record
from iic_ptv.zoo.weights_file import WeightsFile, read_weights, sha256_of, write_weights

SMALL = [
    *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[18, 20]", "DATA.CROP", "16", "DATA.NUM_WORKERS", "0"),
    *("MODEL.OPTIONS.width", "0.0625", "LOSS.NUM_NEGATIVES", "4", "OPTIM.BATCH_SIZE", "6", "OPTIM.EPOCHS", "1"),
    *("TRAINER.ACCELERATOR", "cpu", "TRAINER.LOG_EVERY", "1", "SEED", "5"),
]
FEW = ["EVAL.NUM_CLIPS", "2", "PROBE.SHOTS", "[1]", "PROBE.DRAWS", "2"]
DATA = "three rendered motions"


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """Run folders by command, on videos in a folder called ``secret``."""
    output = tmp_path_factory.mktemp("runs")
    videos = write_videos(
        output / "secret",
        motions=("translate_left", "spin_clockwise", "bounce"),
        train_per_class=4,
        test_per_class=2,
        num_frames=8,
        size=16,
        progress=False,
    )
    root, train, test = videos / "videos", videos / "splits/trainlist01.txt", videos / "splits/testlist01.txt"

    def run(name: str, command: str, *arguments: object) -> Path:
        main([command, *map(str, arguments), "OUTPUT", str(output / name)])
        (folder,) = (output / name / command).iterdir()
        return folder

    lists = ("--data", root, "DATA.LISTS", train)
    found = {"pretrain": run("a", "pretrain", *lists, *SMALL)}
    start = ("--checkpoint", found["pretrain"])
    found["retrieve"] = run("b", "retrieve", *start, "--query", test, *FEW)
    found["probe"] = run("c", "probe", *start, "--query", test, *FEW)
    found["finetune"] = run("d", "finetune", *start, "--train", train, "--test", test, "OPTIM.EPOCHS", "1", *FEW)
    found["per_view"] = run(
        "e",
        "pretrain",
        *lists,
        *SMALL,
        "MODEL.PER_VIEW",
        "True",
        "INTRA_NEGATIVE",
        "none",
        "DATA.AUGMENTATION",
        "strong",
    )
    found["other"] = run("f", "retrieve", "--checkpoint", found["per_view"], "--query", test, *FEW)
    found["elsewhere"] = run("g", "retrieve", *start, "--gallery", root, "--query", root, *FEW)
    return found


def request_of(runs: dict[str, Path], zoo: Path, **more: object) -> Request:
    measured = [str(runs[command]) for command in ("retrieve", "probe", "finetune")]
    return replace(Request(str(runs["pretrain"]), "small", data=DATA, metrics=measured, zoo=str(zoo)), **more)


@pytest.fixture(scope="module")
def zoo(runs, tmp_path_factory) -> Path:
    zoo = tmp_path_factory.mktemp("zoo") / "model_zoo"
    publish(request_of(runs, zoo, keep_safetensors=True, hardware="two cores", data_licence="CC0-1.0", default=True))
    return zoo


@pytest.fixture(scope="module")
def record(zoo) -> Record:
    return records(zoo)["r3d.small"]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_files_are_there_and_are_what_the_record_says(zoo, record) -> None:
    pth, safetensors = (zoo / "weights" / file.file for file in record.files)
    assert (pth.suffix, safetensors.suffix) == (".pth", ".safetensors")
    for file in record.files:
        path = zoo / "weights" / file.file
        assert (path.stat().st_size, sha256_of(path)) == (file.bytes, file.sha256)
        assert file.file == f"r3d.small-{file.sha256[:8]}{path.suffix}"
    assert set(content(zoo)) == {
        *(f"weights/{file.file}" for file in record.files),
        *(f"records/r3d.small.{kind}" for kind in ("json", "yaml", "csv")),
        "MODEL_ZOO.md",
    }
    assert "r3d.small" in (zoo / "MODEL_ZOO.md").read_text()


def test_the_record_tells_how_the_weights_came_about(runs, record) -> None:
    network, training = record.network, record.pretraining
    assert (network.architecture, network.options, network.views) == ("r3d", {"width": 0.0625}, ("rgb", "residual"))
    assert (network.clip.length, network.clip.frame_size, network.clip.crop) == (4, (18, 20), 16)
    assert (training.method, training.intra_negative, training.data) == ("IIC", "repeat", DATA)
    assert (training.videos, training.epochs, training.seed, training.hardware) == (12, 1, 5, "two cores")
    versions = json.loads((runs["pretrain"] / "versions.json").read_text())
    assert training.commit == ("" if versions["commit"].startswith("unknown") else versions["commit"])
    assert training.hours == pytest.approx(
        json.loads((runs["pretrain"] / "metrics.json").read_text())["seconds"] / 3600, rel=0.05
    )
    assert (record.licence, record.default) == ("CC0-1.0", True)
    assert record.title == f"r3d, IIC, {DATA}"
    assert 0 < record.gflops < 0.01


def test_the_weights_are_those_of_the_run_in_float16(runs, zoo, record) -> None:
    (trained,) = read_checkpoint(runs["pretrain"]).networks
    for file in record.files:
        weights = read_weights(zoo / "weights" / file.file)
        assert weights.network == record.network
        assert all(torch.equal(value, trained[name].to(value.dtype)) for name, value in weights.networks[0].items())
        assert deviation(record.pinned_clip, weights) <= record.pinned_clip.tolerance
        assert sum(p.numel() for p in build_network(weights).parameters()) == record.parameters


def test_the_record_tells_what_rounding_changed(runs, record) -> None:
    trained = WeightsFile(record.network, tuple(read_checkpoint(runs["pretrain"]).networks))
    assert record.pinned_clip.rounding == pytest.approx(deviation(record.pinned_clip, trained), rel=0.05)
    assert 0 < record.pinned_clip.rounding < 1e-3


def test_the_safetensors_can_be_made_of_the_other_file(zoo, record, tmp_path) -> None:
    pth, safetensors = (zoo / "weights" / file.file for file in record.files)
    assert (
        write_weights(tmp_path, record.name, read_weights(pth), ".safetensors").read_bytes() == safetensors.read_bytes()
    )


def by_view(found: list[Metric]) -> dict[str, Metric]:
    return {metric.view: metric for metric in found}


def test_figures_are_those_of_the_runs_beside_the_untrained_network(runs, record) -> None:
    measured = json.loads((runs["retrieve"] / "metrics.json").read_text())
    found = by_view([metric for metric in record.metrics if metric.name == "retrieval top-1"])
    assert list(found) == ["rgb", "residual", "rgb + residual jointly"]
    for view, metric in zip(("rgb", "residual", "joint"), found.values(), strict=True):
        assert metric.value == pytest.approx(100 * measured[view]["top1"])
        assert metric.untrained == pytest.approx(100 * measured["untrained"][view]["top1"])
        assert (metric.data, metric.source) == (DATA, "measured")
        assert metric.protocol.endswith("; 6 test videos against 12, map features of 2 clips, chance 33.3 %")
        assert metric.date.replace("-", "") == runs["retrieve"].name[:8]
    probed = json.loads((runs["probe"] / "metrics.json").read_text())
    (knn,) = [m for m in record.metrics if (m.name, m.view) == ("k-NN top-1", "residual")]
    assert knn.value == pytest.approx(100 * probed["residual"]["knn_top1"])
    (recognition,) = [m for m in record.metrics if m.name == "recognition top-1"]
    tested = json.loads((runs["finetune"] / "metrics.json").read_text())
    assert recognition.value == pytest.approx(100 * tested["test"]["top1"])
    assert recognition.view == "residual_unscaled"
    names = {metric.name for metric in record.metrics}
    assert names >= {"retrieval mAP", "linear probe top-1", "1-shot linear top-1", "recognition top-5"}


def test_nothing_is_said_of_the_machine(runs, zoo) -> None:
    for name, written in content(zoo).items():
        for secret in (b"secret", b"trainlist", str(runs["pretrain"].parents[2]).encode(), b"/runs"):
            assert secret not in written, name


def test_the_configuration_is_the_runs_and_the_log_its_curves(runs, zoo) -> None:
    cfg, published = (load_config(file) for file in (runs["pretrain"] / "config.yaml", zoo / "records/r3d.small.yaml"))
    assert (published.MODEL, published.OPTIM, published.SEED) == (cfg.MODEL, cfg.OPTIM, 5)
    assert (published.DATA.ROOT, published.DATA.LISTS, published.EVAL.QUERY) == ("", [], [])
    assert published.DATA.KIND == "auto"  # lists are nothing without their files
    head, *rows = (zoo / "records/r3d.small.csv").read_text().splitlines()
    assert {"step", "train/loss"} <= set(head.split(","))
    assert len(rows) == 2  # steps


def test_the_same_request_gives_the_same_files(runs, zoo, tmp_path) -> None:
    publish(
        request_of(runs, tmp_path, keep_safetensors=True, hardware="two cores", data_licence="CC0-1.0", default=True)
    )
    assert content(tmp_path) == content(zoo)


def test_figures_are_added_later_and_the_weights_stay_what_they_are(runs, zoo, record, tmp_path) -> None:
    shutil.copytree(zoo, tmp_path / "model_zoo")
    old = tmp_path / "model_zoo/weights" / record.files[0].file
    # As another version of the package would have written them.
    other = write_weights(old.parent, record.name, replace(read_weights(old), origin="an older version"), ".pth")
    old.unlink()
    file = replace(record.files[0], file=other.name, sha256=sha256_of(other), bytes=other.stat().st_size)
    publishing.write_together(
        {tmp_path / "model_zoo/records/r3d.small.json": publishing.record_text(replace(record, files=(file,))).encode()}
    )
    more = [f"{runs['elsewhere']}=all of the motions"]
    again = publish(request_of(runs, tmp_path / "model_zoo", metrics=more)).record
    assert again.files == (file,)
    assert again.metrics[: len(record.metrics)] == record.metrics
    assert {metric.data for metric in again.metrics[len(record.metrics) :]} == {"all of the motions"}
    assert again.default
    assert [path.name for path in old.parent.glob("*.pth")] == [other.name]


def test_a_zoo_of_ones_own_is_looked_at_by_its_folder(runs, tmp_path, capsys) -> None:
    publish_command(request_of(runs, tmp_path, metrics=[]))
    said = capsys.readouterr().out
    assert "r3d.small is published" in said
    assert f"iic zoo show r3d.small --zoo {tmp_path}" in said
    main(["zoo", "verify", "--zoo", str(tmp_path)])
    assert "shipped" in capsys.readouterr().out
    main(["zoo", "show", "r3d.small", "--zoo", str(tmp_path)])
    assert str(tmp_path / "records/r3d.small.yaml") in capsys.readouterr().out


def test_networks_for_each_view_are_published(runs, tmp_path) -> None:
    request = Request(str(runs["per_view"]), "views", data=DATA, metrics=[str(runs["other"])], zoo=str(tmp_path))
    record = publish(request).record
    weights = read_weights(tmp_path / "weights" / record.files[0].file)
    assert (record.network.num_networks, len(weights.networks)) == (2, 2)
    assert (record.pretraining.method, record.pretraining.intra_negative) == ("CMC", "none")
    assert record.network.clip.normalized
    assert not (tmp_path / "weights" / record.files[1].file).exists()  # it is made when it is needed
    trained = read_checkpoint(runs["per_view"]).networks
    assert all(
        torch.equal(a["stem.conv.weight"], b["stem.conv.weight"].half())
        for a, b in zip(weights.networks, trained, strict=True)
    )


def test_finetuned_networks_are_published_with_classes_and_their_own_figures(runs, tmp_path) -> None:
    record = publish(Request(str(runs["finetune"]), "tuned", data=DATA, zoo=str(tmp_path))).record
    weights = read_weights(tmp_path / "weights" / record.files[0].file)
    assert record.network.class_names == ("translate_left", "spin_clockwise", "bounce")
    assert record.network.views == ("residual_unscaled",)
    assert (weights.num_classes, record.pretraining.method) == (3, "IIC, fine-tuned")
    assert [metric.name for metric in record.metrics] == ["recognition top-1", "recognition top-5"]
    assert build_network(weights, num_classes=3)(torch.rand(1, 3, 4, 16, 16)).shape == (1, 3)


def test_there_is_one_default_of_an_architecture(runs, zoo, tmp_path) -> None:
    shutil.copytree(zoo, tmp_path / "model_zoo")
    publish(request_of(runs, tmp_path / "model_zoo", tag="newer", metrics=[], default=True))
    assert {name: record.default for name, record in records(tmp_path / "model_zoo").items()} == {
        "r3d.newer": True,
        "r3d.small": False,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metrics": ["other"]}, "is about other weights"),
        ({"metrics": ["elsewhere"]}, "measured on other videos than those of the training; say in words"),
        ({"metrics": ["pretrain"]}, "is about other weights, an untrained network"),
        ({"metrics": ["nowhere"]}, r"nowhere: there is no metrics\.json"),
        ({"data": ""}, "--data: say in words"),
        ({"tag": "My Net"}, r"'r3d\.My Net' is no name for a checkpoint"),
        ({"run": "nowhere"}, "nowhere: there is no such checkpoint"),
        ({"run": "per_view"}, r"other weights of the name r3d\.small; choose another tag"),
    ],
)
def test_what_cannot_be_published_is_refused_and_nothing_changes(runs, zoo, tmp_path, changes, message) -> None:
    before = content(zoo)
    if "metrics" in changes:
        changes = {"metrics": [str(runs.get(name, name)) for name in changes["metrics"]]}
    if "run" in changes:
        changes = {"run": str(runs.get(changes["run"], changes["run"])), "metrics": []}
    with pytest.raises(InputError, match=message):
        publish(request_of(runs, zoo, **changes))
    assert content(zoo) == before


def copied(run: Path, folder: Path) -> Path:
    shutil.copytree(run, folder)
    return folder


def test_a_run_that_has_not_ended_is_not_published(runs, tmp_path) -> None:
    run = copied(runs["pretrain"], tmp_path / "run")
    (run / "metrics.json").unlink()
    with pytest.raises(InputError, match="its run has not ended"):
        publish(Request(str(run), "small", data=DATA, zoo=str(tmp_path / "zoo")))
    assert not (tmp_path / "zoo").exists()


def test_a_diverged_network_is_not_published(runs, tmp_path) -> None:
    run = copied(runs["pretrain"], tmp_path / "run")
    checkpoint = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    checkpoint["state_dict"]["networks.0.stem.conv.weight"][0] = 1e6  # too great for float16
    torch.save(checkpoint, run / "checkpoints/last.ckpt")
    with pytest.raises(InputError, match=r"stem\.conv\.weight holds what is no number, or too great"):
        publish(Request(str(run), "small", data=DATA, zoo=str(tmp_path / "zoo")))
    assert not (tmp_path / "zoo").exists()


def test_figures_of_weights_that_have_changed_since_are_refused(runs, tmp_path) -> None:
    run = copied(runs["pretrain"], tmp_path / "run")
    checkpoint = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    checkpoint["state_dict"]["networks.0.stem.conv.weight"][0] += 1
    torch.save(checkpoint, run / "checkpoints/last.ckpt")
    metrics = [str(runs["retrieve"])]
    with pytest.raises(InputError, match="is about other weights"):
        publish(Request(str(run), "small", data=DATA, metrics=metrics, zoo=str(tmp_path / "zoo")))


def test_if_a_file_cannot_be_written_nothing_is_published(runs, tmp_path) -> None:
    (tmp_path / "MODEL_ZOO.md").mkdir()  # the last file that is written
    with pytest.raises(InputError, match=r"cannot be written to .*; nothing was published"):
        publish(request_of(runs, tmp_path, metrics=[]))
    assert content(tmp_path) == {}
