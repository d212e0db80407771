"""Converting: what is known of a file goes into weights and a record; what is not known is refused."""

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from authors_files import authors_state, write_pretraining
from torch import nn
from trainer_files import WIDTH, Trained, write_configured, write_trained

from iic_ptv.config import load_config
from iic_ptv.errors import InputError
from iic_ptv.registry import BACKBONES
from iic_ptv.runs.convert import Request, convert, convert_to_reference
from iic_ptv.zoo.catalogue import read_record
from iic_ptv.zoo.weights_file import read_weights, sha256_of

SMALL = ("DATA.CLIP_LENGTH", "4", "DATA.CROP", "16")  # records have features of a clip of this size


def small_network(name: str, **options) -> nn.Module:
    torch.manual_seed(1)
    return BACKBONES.get(name)(width=1 / 16, **options)


def request(file: Path, **options) -> Request:
    return Request(str(file), str(file.parent / "out"), overrides=options.pop("overrides", SMALL), **options)


def same(first, second) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture
def pretrained(tmp_path):
    """A file of the authors, and the network in it."""
    network = small_network("r3d", blocks=[1, 1, 2, 1])
    return write_pretraining(tmp_path / "ckpt_epoch_240.pth", network, "r3d"), network


def test_a_file_of_the_authors(pretrained) -> None:
    path, network = pretrained
    converted = convert(request(path))
    assert converted.source.left_out == ("opt", "contrast", "optimizer", "epoch")
    assert re.fullmatch(r"r3d\.ckpt_epoch_240-[0-9a-f]{8}\.safetensors", converted.file.name)
    written = read_weights(converted.file)
    assert same(written.networks[0], network.state_dict())
    assert written.network.options == {"width": 1 / 16, "blocks": [1, 1, 2, 1]}
    assert (written.network.clip.length, written.network.clip.crop, written.network.clip.stride) == (4, 16, 1)

    record = read_record(converted.record)
    assert (record.name, record.network) == ("r3d.ckpt_epoch_240", written.network)
    assert (record.pretraining.method, record.pretraining.videos, record.pretraining.epochs) == ("IIC", 7, 240)
    assert record.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert record.gflops > 0
    assert record.licence == "not stated by the authors"
    assert [(file.file, file.sha256) for file in record.files] == [(converted.file.name, sha256_of(converted.file))]


def test_formats_of_the_same_weights_share_a_record(pretrained) -> None:
    path, network = pretrained
    first = convert(request(path))
    again = convert(Request(str(first.file), str(first.file.parent), ".pth"))
    back = convert(Request(str(again.file), str(path.parent / "back")))
    half = convert(Request(str(first.file), str(first.file.parent), half=True))
    assert again.record == half.record == first.record
    assert back.file.name == first.file.name
    assert back.file.read_bytes() == first.file.read_bytes()
    assert same(read_weights(again.file).networks[0], network.state_dict())
    record = read_record(first.record)
    assert [file.file for file in record.files] == [first.file.name, again.file.name, half.file.name]
    assert [file.dtype for file in record.files] == ["float32", "float32", "float16"]
    assert read_record(back.record) == replace(record, files=record.files[:1])
    assert read_weights(half.file).networks[0]["stem.conv.weight"].dtype == torch.float16


def test_another_record_of_the_name_is_left_alone(pretrained, tmp_path) -> None:
    path, _ = pretrained
    before = convert(request(path)).record.read_bytes()
    write_pretraining(path, small_network("r3d", in_channels=3), "r3d")
    with pytest.raises(InputError, match=r"--name: .*ckpt_epoch_240\.json is a record of other weights"):
        convert(request(path))
    assert (tmp_path / "out" / "r3d.ckpt_epoch_240.json").read_bytes() == before
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert convert(request(path, name="r3d.second")).record.name == "r3d.second.json"


def test_a_run_of_ours_with_a_network_for_each_view(tmp_path) -> None:
    networks = [small_network("r2plus1d", num_classes=None) for _ in range(2)]
    nn.init.ones_(networks[1].layer4[0].bn2.bias)
    options = [*SMALL, "MODEL.BACKBONE", "r2plus1d", "MODEL.OPTIONS.width", "0.0625", "MODEL.PER_VIEW", "True"]
    cfg = load_config(None, [*options, "DATA.ROOT", "/home/somebody/videos", "DATA.KIND", "ucf101", "SEED", "5"])
    state = {
        f"networks.{i}.{name}": v for i, network in enumerate(networks) for name, v in network.state_dict().items()
    }
    path = tmp_path / "20260102-000000-mine" / "checkpoints" / "last.ckpt"
    path.parent.mkdir(parents=True)
    content = {"iic_config": cfg.dump(), "epoch": 3, "global_step": 9, "optimizer_states": []}
    torch.save({**content, "state_dict": {**state, "loss.bank.features": torch.rand(3, 11, 32)}}, path)

    converted = convert(Request(str(path.parents[1]), str(tmp_path / "out")))
    assert converted.source.left_out == ("epoch", "global_step", "optimizer_states", "loss.bank")
    assert converted.file.name.startswith("r2plus1d.20260102-000000-mine-")
    written = read_weights(converted.file)
    assert written.network.num_networks == 2
    assert all(same(state, network.state_dict()) for state, network in zip(written.networks, networks, strict=True))
    assert "somebody" not in written.config
    told = read_record(converted.record).pretraining
    assert (told.method, told.intra_negative, told.data) == ("IIC", "repeat", "ucf101")
    assert (told.videos, told.epochs, told.seed) == (11, 3, 5)

    source, files = convert_to_reference(Request(str(path.parents[1]), str(tmp_path / "theirs")))
    assert [file.name.removeprefix("r2plus1d.20260102-000000-mine") for file in files] == [
        ".0-rgb.reference.pth",
        ".1-residual.reference.pth",
    ]
    second = torch.load(files[1], weights_only=True)["model"]
    assert torch.equal(second["conv5.block1.bn2.bias"], torch.ones(32))
    assert len(source.checkpoint.networks) == 2
    with pytest.raises(InputError, match=r"VIEWS: .* has a network for each of 2 views; name as many"):
        convert(Request(str(path), str(tmp_path / "out"), overrides=["VIEWS", "[rgb]"]))


@pytest.mark.parametrize("method", ["SimCLR", "MoCo v2", "BYOL"])
def test_checkpoints_of_the_trainer_with_configurations_in_them(method, tmp_path, monkeypatch) -> None:
    module = Trained(method)
    path = write_configured(tmp_path / "epoch=12.ckpt", module.state_dict(), monkeypatch)
    converted = convert(request(path, overrides=(*SMALL, "DATA.STRIDE", "2")))
    assert converted.source.left_out[:2] == ("epoch", "global_step")
    assert "model.backbone (2 tensors)" in converted.source.left_out
    written = read_weights(converted.file)
    assert written.network.architecture == "slow_r50"
    assert written.network.options["stem_dim_out"] == WIDTH
    assert (written.network.views, written.network.clip.normalized) == (("rgb",), True)
    assert (written.network.clip.stride, written.network.clip.frame_rate) == (2, 30.0)
    stem = module.state_dict()["model.backbone.0.blocks.0.conv.weight"]
    assert torch.equal(written.networks[0]["trunk.blocks.0.conv.weight"], stem)
    record = read_record(converted.record)
    assert (record.name, record.pretraining.method, record.pretraining.epochs) == ("slow_r50.epoch_12", method, 12)
    assert record.how_to_convert == "iic convert epoch=12.ckpt"


def test_weights_as_a_safetensors_file_of_others(tmp_path) -> None:
    from safetensors.torch import save_file

    network = small_network("c3d", num_classes=4)
    save_file(authors_state(network, "c3d"), tmp_path / "theirs.safetensors")
    converted = convert(request(tmp_path / "theirs.safetensors", architecture="c3d"))
    assert same(read_weights(converted.file).networks[0], network.state_dict())
    assert read_record(converted.record).pretraining.method == "IIC, fine-tuned"


def content_of(**more) -> dict:
    return {"model": authors_state(small_network("r3d"), "r3d"), **more}


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (content_of(ema={"x": torch.ones(1)}), {}, r"beside the weights it holds ema, which is not known here"),
        (content_of(), {"architecture": "c3d"}, r"--architecture: .* is of r3d, not of c3d"),
        (content_of(), {"name": "Bad Name"}, r"--name: 'Bad Name' is no name for a checkpoint"),
        (content_of(), {"overrides": ("MODEL.BACKBONE", "c3d")}, r"MODEL\.BACKBONE: the file tells; .* VIEWS, DATA\."),
        (content_of(), {"overrides": ("VIEWS",)}, r"KEY VALUE pairs"),
        ({"model": {"odd.weight": torch.ones(1)}}, {}, r"nor one of R3D, R\(2\+1\)D or C3D"),
    ],
)
def test_what_cannot_be_converted_is_said(content, options, message, tmp_path) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(InputError, match=message):
        convert(request(tmp_path / "x.pth", **options))
    assert not (tmp_path / "out").exists()


def test_weights_of_another_shape_than_they_seem_are_refused(tmp_path) -> None:
    state = authors_state(small_network("r3d"), "r3d")
    state["conv4.block1.conv1.temporal_spatial_conv.weight"] = torch.zeros(16, 8, 1, 3, 3)
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(InputError, match=r"x\.pth: .* layer3\.0\.conv1\.weight is \(16, 8, 1, 3, 3\) instead of"):
        convert(request(tmp_path / "x.pth"))


def test_only_networks_of_the_authors_go_back(tmp_path) -> None:
    path = write_trained(tmp_path / "x.ckpt", Trained("SimCLR").state_dict())
    with pytest.raises(InputError, match=r"x\.ckpt: the authors of IIC have no network 'slow_r50'"):
        convert_to_reference(request(path))
    assert not (tmp_path / "out").exists()


def test_a_record_that_cannot_be_written_is_said(pretrained, tmp_path) -> None:
    (tmp_path / "out/r3d.ckpt_epoch_240.json").mkdir(parents=True)
    with pytest.raises(InputError, match=r"r3d\.ckpt_epoch_240\.json: cannot be written"):
        convert(request(pretrained[0]))


def test_code_in_a_file_is_not_run(tmp_path) -> None:
    class Harm:
        def __reduce__(self):
            return Path.touch, (tmp_path / "harm",)

    torch.save(content_of(opt=argparse.Namespace(x=Harm())), tmp_path / "x.pth")
    with pytest.raises(InputError, match="it would run code"):
        convert(request(tmp_path / "x.pth"))
    assert not (tmp_path / "harm").exists()


def test_a_record_that_says_more_is_not_replaced(pretrained) -> None:
    path, _ = pretrained
    record = convert(request(path)).record
    content = json.loads(record.read_text())
    content["licence"] = "asked, and given"
    record.write_text(json.dumps(content))
    with pytest.raises(InputError, match="or says more of them; choose another name"):
        convert(request(path))
    assert json.loads(record.read_text())["licence"] == "asked, and given"
