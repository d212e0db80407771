"""Reading checkpoints: ours, the authors', and files that are neither."""

import argparse
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from authors_files import authors_state, write_pretraining
from http_server import serving
from published_checkpoint import NAME, publish_checkpoint
from torch import nn

from iic_ptv.config import default_config, load_config
from iic_ptv.errors import InputError
from iic_ptv.registry import BACKBONES
from iic_ptv.runs.build import build_network, build_networks
from iic_ptv.runs.checkpoint import (
    AUTHORS,
    BEST,
    FINETUNE,
    LAST,
    PRETRAIN,
    ZOO,
    find_checkpoint,
    load_backbone,
    load_classifier,
    load_networks,
    read_checkpoint,
)
from iic_ptv.runs.source import read_source
from iic_ptv.tasks.bank_files import SavedBanks
from iic_ptv.zoo.description import ClipFormat, NetworkDescription
from iic_ptv.zoo.weights_file import WeightsFile, write_weights

AUTHORS_BACKBONES = ("r3d", "r2plus1d", "c3d")
SMALL = ["MODEL.OPTIONS.width", "0.0625"]


def small_network(name: str, **options) -> nn.Module:
    torch.manual_seed(1)
    return BACKBONES.get(name)(width=1 / 16, **options).eval()


def same_output(first: nn.Module, second: nn.Module) -> bool:
    clip = torch.rand(2, 3, 4, 32, 32)
    return torch.equal(first.eval()(clip), second.eval()(clip))


def write_ours(path: Path, state: dict, *, classes: list[str] | None = None, options: list[str] = SMALL) -> Path:
    """A file with the entries of our checkpoints that reading looks at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "iic_config": load_config(None, options).dump(),
        "state_dict": state,
        "epoch": 3,
        "global_step": 12,
        **({} if classes is None else {"class_names": classes}),
    }
    torch.save(content, path)
    return path


def with_prefix(prefix: str, network: nn.Module) -> dict:
    return {f"{prefix}{name}": value for name, value in network.state_dict().items()}


def test_a_pretraining_has_networks_and_banks(tmp_path) -> None:
    first, second = small_network("r3d"), small_network("r3d", in_channels=3)
    nn.init.ones_(second.layer4[0].bn2.bias)
    state = {**with_prefix("networks.0.", first), **with_prefix("networks.1.", second), "loss.bank": torch.ones(3)}
    checkpoint = read_checkpoint(write_ours(tmp_path / "run.ckpt", state, options=[*SMALL, "MODEL.PER_VIEW", "True"]))
    assert (checkpoint.writer, checkpoint.epoch, checkpoint.step) == (PRETRAIN, 3, 12)
    assert (checkpoint.num_classes, checkpoint.class_names) == (0, ())
    assert torch.equal(checkpoint.state_dict["loss.bank"], torch.ones(3))
    networks = nn.ModuleList(build_networks(checkpoint.config))
    load_networks(networks, checkpoint)
    assert same_output(networks[0], first)
    assert same_output(networks[1], second)
    assert not same_output(networks[0], networks[1])


def test_memory_banks_are_in_the_state_or_beside_it(tmp_path) -> None:
    networks = with_prefix("networks.0.", small_network("r3d"))
    replicated = write_ours(tmp_path / "replicated.ckpt", {**networks, "loss.bank.features": torch.ones(3, 11, 32)})
    sharded = write_ours(tmp_path / "sharded.ckpt", networks)
    banks = {"folder": "step-000000012-1", "num_banks": 3, "num_videos": 11, "feature_dim": 32, "world_size": 4}
    torch.save({**torch.load(sharded), "iic_banks": banks}, sharded)
    for path in (replicated, sharded):
        assert read_checkpoint(path).bank_shape == (3, 11, 32)
        assert read_source(path).pretraining.videos == 11
    assert read_checkpoint(sharded).sharded_banks == SavedBanks(**banks)
    without = write_ours(tmp_path / "without.ckpt", networks)
    assert read_checkpoint(without).bank_shape is None
    assert read_source(without).pretraining.videos == 0


def test_a_finetuning_has_a_network_with_its_classes(tmp_path) -> None:
    trained = small_network("r3d", num_classes=3)
    path = write_ours(tmp_path / LAST, with_prefix("model.", trained), classes=["a", "b", "c"])
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.path == path
    assert checkpoint.run_folder == tmp_path
    assert (checkpoint.writer, checkpoint.class_names, checkpoint.num_classes) == (FINETUNE, ("a", "b", "c"), 3)

    whole = build_network(checkpoint.config, num_classes=3)
    load_classifier(whole, checkpoint)
    assert same_output(whole, trained)

    features = nn.ModuleList(build_networks(checkpoint.config))  # what retrieval does
    load_networks(features, checkpoint)
    trained.classifier = None
    assert same_output(features[0], trained)


def test_another_classifier_stays_as_it_was_drawn(tmp_path) -> None:
    trained = small_network("r3d", num_classes=3)
    checkpoint = read_checkpoint(
        write_ours(tmp_path / "x.ckpt", with_prefix("model.", trained), classes=["a", "b", "c"])
    )
    network = build_network(checkpoint.config, num_classes=7)
    before = network.classifier.weight.clone()
    load_backbone(network, checkpoint)
    assert torch.equal(network.classifier.weight, before)
    assert torch.equal(network.stem.conv.weight, trained.stem.conv.weight)


@pytest.mark.parametrize("name", ["r2plus1d", "c3d", "x3d_xs"])
def test_every_backbone_goes_from_pretraining_to_classes(name, tmp_path) -> None:
    options = ["MODEL.BACKBONE", name, *([] if name == "x3d_xs" else SMALL)]
    trained = build_network(load_config(None, options))
    write_ours(tmp_path / "x.ckpt", with_prefix("networks.0.", trained), options=options)
    checkpoint = read_checkpoint(tmp_path / "x.ckpt")
    network = build_network(checkpoint.config, num_classes=4)
    load_backbone(network, checkpoint)
    clip = torch.rand(1, 3, 4, 32, 32)
    assert network.eval()(clip).shape == (1, 4)
    network.classifier = None
    assert same_output(network, trained)


def test_of_a_run_folder_the_best_is_taken_and_to_resume_the_last(tmp_path) -> None:
    network = with_prefix("model.", small_network("r3d", num_classes=2))
    last = write_ours(tmp_path / LAST, network, classes=["a", "b"])
    assert find_checkpoint(tmp_path) == last
    best = write_ours(tmp_path / BEST, network, classes=["a", "b"])
    assert find_checkpoint(tmp_path) == best
    assert find_checkpoint(tmp_path, to_resume=True) == last
    assert read_checkpoint(tmp_path).run_folder == read_checkpoint(last).run_folder == tmp_path


def test_a_checkpoint_may_be_on_the_web_or_in_the_zoo(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("iic_ptv.zoo.catalogue.PACKAGE", tmp_path / "package")
    record = publish_checkpoint(tmp_path / "package" / "model_zoo")
    trained = small_network("r3d")
    path = write_ours(tmp_path / "run.ckpt", with_prefix("networks.0.", trained))
    with serving({"/run.ckpt": path.read_bytes()}) as server:
        checkpoint = read_checkpoint(server.url("/run.ckpt"))
    network = build_network(checkpoint.config)
    load_backbone(network, checkpoint)
    assert same_output(network, trained)
    assert find_checkpoint(f"iic://{NAME}").name == record.files[0].file
    with pytest.raises(InputError, match=f"iic://{NAME}: a run goes on in its folder"):
        find_checkpoint(f"iic://{NAME}", to_resume=True)


@pytest.mark.parametrize("extension", ["pth", "pt", "pth.tar"])
@pytest.mark.parametrize("name", AUTHORS_BACKBONES)
def test_pretraining_files_of_the_authors_give_the_same_features(name, extension, tmp_path) -> None:
    theirs = small_network(name)
    checkpoint = read_checkpoint(write_pretraining(tmp_path / f"ckpt_epoch_240.{extension}", theirs, name))
    assert checkpoint.writer == AUTHORS
    assert name == checkpoint.config.MODEL.BACKBONE
    assert checkpoint.config.VIEWS == default_config().VIEWS
    networks = nn.ModuleList(build_networks(checkpoint.config))
    load_networks(networks, checkpoint)
    assert same_output(networks[0], theirs)


@pytest.mark.parametrize("name", AUTHORS_BACKBONES)
@pytest.mark.parametrize("bare", [False, True])
def test_finetuned_files_of_the_authors_give_the_same_logits(name, bare, tmp_path) -> None:
    theirs = small_network(name, num_classes=6)
    state = authors_state(theirs, name)
    torch.save(state if bare else {"model": state}, tmp_path / "best_model.pt")
    checkpoint = read_checkpoint(tmp_path / "best_model.pt")
    assert (checkpoint.num_classes, checkpoint.class_names) == (6, ())
    assert checkpoint.config.VIEWS == ["residual_unscaled"]
    ours = build_network(checkpoint.config, num_classes=6)
    load_classifier(ours, checkpoint)
    assert same_output(ours, theirs)


def test_files_of_the_second_version_tell_their_input(tmp_path) -> None:
    theirs = small_network("r3d")
    state = {f"module.base_network.{key}": value for key, value in authors_state(theirs, "r3d").items()}
    state |= {f"module.projector.mlp.{n}.{part}": torch.zeros(2) for n in (0, 2) for part in ("weight", "bias")}
    torch.save({"opt": argparse.Namespace(), "model": state}, tmp_path / "v2.pth")
    checkpoint = read_checkpoint(tmp_path / "v2.pth")
    assert checkpoint.config.DATA.AUGMENTATION == "strong"  # normalised input
    assert checkpoint.config.VIEWS == ["residual_unscaled", "residual_unscaled"]
    networks = nn.ModuleList(build_networks(checkpoint.config))
    load_networks(networks, checkpoint)
    assert same_output(networks[0], theirs)


@pytest.mark.parametrize(
    ("modality", "neg", "views", "intra_negative"),
    [
        ("u", "shuffle", ["rgb", "flow_u"], "shuffle"),
        ("rgb", "repeat", ["rgb", "rgb"], "repeat"),
        ("of my own", ["odd"], ["rgb", "residual"], "repeat"),
    ],
)
def test_options_of_the_authors_tell_views_and_intra_negative(modality, neg, views, intra_negative, tmp_path) -> None:
    content = {
        "opt": argparse.Namespace(modality=modality, neg=neg),
        "model": authors_state(small_network("r3d"), "r3d"),
        "epoch": 11,
    }
    torch.save(content, tmp_path / "v1.pth")
    checkpoint = read_checkpoint(tmp_path / "v1.pth")
    assert (views, intra_negative, 11) == (checkpoint.config.VIEWS, checkpoint.config.INTRA_NEGATIVE, checkpoint.epoch)


def weights_of(*networks: nn.Module, views: tuple[str, ...] = ("rgb", "residual"), **more) -> WeightsFile:
    clip = ClipFormat(8, 2, (20, 24), 16, normalized=True, frame_rate=12.5)
    description = NetworkDescription("r3d", {"width": 1 / 16, "blocks": [1, 2, 1, 1]}, views, clip, len(networks))
    return WeightsFile(description, tuple(network.state_dict() for network in networks), **more)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_published_weights_tell_what_their_network_sees(suffix, tmp_path) -> None:
    trained = small_network("r3d", blocks=[1, 2, 1, 1])
    checkpoint = read_checkpoint(write_weights(tmp_path, "r3d.x", weights_of(trained), suffix))
    cfg = checkpoint.config
    assert checkpoint.writer == ZOO
    assert (cfg.MODEL.BACKBONE, cfg.MODEL.OPTIONS.blocks, cfg.MODEL.PER_VIEW) == ("r3d", [1, 2, 1, 1], False)
    assert (cfg.VIEWS, cfg.DATA.AUGMENTATION) == (["rgb", "residual"], "strong")
    assert (cfg.DATA.CLIP_LENGTH, cfg.DATA.STRIDE, cfg.DATA.FRAME_SIZE, cfg.DATA.CROP) == (8, 2, [20, 24], 16)
    assert cfg.DATA.FRAME_RATE == 12.5
    networks = nn.ModuleList(build_networks(cfg))
    load_networks(networks, checkpoint)
    assert same_output(networks[0], trained)


def test_published_weights_of_several_networks_in_half_precision(tmp_path) -> None:
    trained = [small_network("r3d", blocks=[1, 2, 1, 1]) for _ in range(2)]
    nn.init.ones_(trained[1].layer4[0].bn2.bias)
    config = load_config(None, ["LOSS.TEMPERATURE", "0.2", "DATA.CROP", "99"]).dump()
    checkpoint = read_checkpoint(write_weights(tmp_path, "r3d.x", weights_of(*trained, config=config).half()))
    assert checkpoint.config.LOSS.TEMPERATURE == 0.2
    assert checkpoint.config.DATA.CROP == 16  # what is said of the network itself counts for more
    networks = nn.ModuleList(build_networks(checkpoint.config))
    load_networks(networks, checkpoint)
    assert torch.equal(networks[1].layer4[0].bn2.bias, torch.ones(32))
    assert networks[0].stem.conv.weight.dtype == torch.float32


def test_published_weights_are_what_their_name_says(tmp_path) -> None:
    path = write_weights(tmp_path, "r3d.x", weights_of(small_network("r3d", blocks=[1, 2, 1, 1])), ".pth")
    other = path.rename(tmp_path / "r3d.x-00000000.pth")
    with pytest.raises(InputError, match=r"r3d\.x-00000000\.pth: this file is damaged"):
        read_checkpoint(other)


def test_published_classes_are_named(tmp_path) -> None:
    weights = weights_of(small_network("r3d", blocks=[1, 2, 1, 1], num_classes=2), views=("residual_unscaled",))
    weights = replace(weights, network=replace(weights.network, class_names=("a", "b")))
    checkpoint = read_checkpoint(write_weights(tmp_path, "r3d.x", weights))
    assert (checkpoint.num_classes, checkpoint.class_names) == (2, ("a", "b"))
    load_classifier(build_network(checkpoint.config, num_classes=2), checkpoint)


def test_files_of_torchvision_are_to_be_converted(tmp_path) -> None:
    with torch.device("meta"):
        state = BACKBONES.get("r3d_18")().state_dict()
    torch.save({name: torch.zeros(1) for name in state}, tmp_path / "r3d_18.pth")
    with pytest.raises(InputError, match=r"weights of torchvision; `iic convert .*r3d_18\.pth` makes a file of them"):
        read_checkpoint(tmp_path / "r3d_18.pth")


def test_an_unknown_weight_is_named_with_the_file(tmp_path) -> None:
    torch.save(
        {"conv1.temporal_spatial_conv.weight": torch.rand(4, 3, 3, 7, 7), "head.weight": torch.ones(1)},
        tmp_path / "a.pth",
    )
    with pytest.raises(
        InputError, match=r"a\.pth: The weights look like the authors' r3d, but that has no head\.weight"
    ):
        read_checkpoint(tmp_path / "a.pth")


class Touch:
    """An object that, on being unpickled by plain pickle, makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


@pytest.mark.parametrize("where", ["alone", "model", "opt", "within options"])
def test_code_in_a_file_is_never_run(where, tmp_path) -> None:
    harm = Touch(tmp_path / "harm")
    model = authors_state(small_network("r3d"), "r3d")
    content = {
        "alone": harm,
        "model": {"model": harm},
        "opt": {"opt": harm, "model": model},
        "within options": {"opt": argparse.Namespace(harm=harm), "model": model},
    }[where]
    torch.save(content, tmp_path / "evil.pth")
    with pytest.raises(InputError, match=r"evil\.pth: not a readable checkpoint: it would run code .*system"):
        read_checkpoint(tmp_path / "evil.pth")
    assert not (tmp_path / "harm").exists()


def test_the_file_would_do_harm_if_it_were_read_carelessly(tmp_path) -> None:
    """The test above means something."""
    torch.save({"model": Touch(tmp_path / "harm")}, tmp_path / "evil.pth")
    torch.load(tmp_path / "evil.pth", weights_only=False)
    assert (tmp_path / "harm").exists()


def test_another_architecture_is_told_in_words(tmp_path) -> None:
    checkpoint = read_checkpoint(write_ours(tmp_path / "x.ckpt", with_prefix("networks.0.", small_network("r3d"))))
    with pytest.raises(InputError, match=r"its network is another one: .*MODEL\.BACKBONE r3d with MODEL\.OPTIONS"):
        load_networks(nn.ModuleList([small_network("c3d")]), checkpoint)
    with pytest.raises(InputError, match=r"stem\.conv\.weight is \(4, 3, 3, 7, 7\) instead of \(8, 3, 3, 7, 7\)"):
        load_backbone(BACKBONES.get("r3d")(width=1 / 8), checkpoint)
    with pytest.raises(InputError, match=r"has 1 networks.*2 are asked for"):
        load_networks(nn.ModuleList([small_network("r3d"), small_network("r3d")]), checkpoint)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("words", "not a readable checkpoint"),
        ({"weights": torch.ones(2)}, "holds no configuration"),
        ({"model": {"encoder.weight": torch.ones(2)}}, "nor one of R3D"),
        ([1, 2], "holds no configuration"),
        ({"iic_config": "", "state_dict": {}}, "holds no configuration"),
        ({"iic_config": "", "state_dict": [1], "epoch": 1, "global_step": 1}, "holds no configuration"),
        ({"iic_config": "", "state_dict": {}, "epoch": 1, "global_step": 1}, "without a network"),
    ],
)
def test_other_files_are_named(content, message, tmp_path) -> None:
    path = tmp_path / "file.ckpt"
    if isinstance(content, str):
        path.write_text(content)
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match=rf"file\.ckpt: .*{message}"):
        read_checkpoint(path)


def test_a_damaged_file_is_named(tmp_path) -> None:
    path = write_pretraining(tmp_path / "r3d.pth", small_network("r3d"), "r3d")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="damaged"):
        read_checkpoint(path)
