"""``iic export``: a network as a file that runs without this package."""

import json
import sys
from dataclasses import replace

import pytest
import torch

from iic_ptv.cli.main import main
from iic_ptv.models import r3d
from iic_ptv.models.joint_views import JointViews
from iic_ptv.transforms import evaluation_transform
from iic_ptv.zoo.description import ClipFormat, NetworkDescription
from iic_ptv.zoo.weights_file import WeightsFile, write_weights

WIDTH = 0.0625
NETWORK = NetworkDescription("r3d", {"width": WIDTH}, ("rgb", "residual"), ClipFormat(4, 2, (18, 24), 16), 1)
OF_FLOW = replace(NETWORK, views=("flow_u", "rgb"))
CLASSES = ("jump", "run", "walk")


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return {
        "shared": [r3d(width=WIDTH)],
        "per_view": [r3d(width=WIDTH), r3d(width=WIDTH)],
        "finetuned": [r3d(num_classes=3, width=WIDTH)],
        "of_flow": [r3d(width=WIDTH)],
    }


@pytest.fixture(scope="module")
def files(networks, tmp_path_factory):
    """Published weights by what they are of."""
    folder = tmp_path_factory.mktemp("weights")
    descriptions = {
        "shared": NETWORK,
        "per_view": replace(NETWORK, num_networks=2),
        "finetuned": replace(NETWORK, views=("residual_unscaled",), class_names=CLASSES),
        "of_flow": OF_FLOW,
    }
    states = {name: tuple(each.state_dict() for each in networks[name]) for name in networks}
    return {
        name: str(write_weights(folder, f"r3d.{name}", WeightsFile(descriptions[name], states[name]), ".pth"))
        for name in networks
    }


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@torch.no_grad()
def embedded(networks, views, clips):
    """What the networks make of clips whose frames have the size of the training."""
    return JointViews(views, networks).eval()(evaluation_transform(16, (18, 24))({"video": clips})["video"])


def clips(*shape):
    return torch.randint(256, shape or (5, 3, 4, 18, 24), dtype=torch.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("torchscript", "r3d-rgb-pooled.pt"),
        ("onnx", "r3d-rgb-pooled.onnx"),
        ("torch.export", "r3d-rgb-pooled.pt2"),
    ],
)
def test_the_lines_that_it_ends_with_run_the_file(files, networks, tmp_path, capfd, name, file):
    onnxruntime = pytest.importorskip("onnxruntime") if name == "onnx" else None
    main(["export", files["shared"], "--format", name])
    output, errors = capfd.readouterr()
    assert errors == ""
    assert [path.name for path in tmp_path.iterdir()] == [file]
    lines = output.splitlines()
    assert len(lines) == 7
    assert f"written: {file}" in output
    assert "uint8 (B, 3, 4, 18, 24), RGB of 0 to 255, one frame in 2" in output
    assert "pooled features of rgb, float32 (B, 32)" in output
    given = clips()
    found = {"torch": torch, "onnxruntime": onnxruntime, "clips": given.numpy() if onnxruntime else given}
    exec("\n".join(line.strip() for line in lines[-2:]), found)
    expected = embedded(networks["shared"], ["rgb"], given)
    torch.testing.assert_close(torch.as_tensor(found["features"]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["shared", "per_view"])
def test_joint_features_are_those_of_each_view_and_its_network(files, networks, name):
    main(["export", files[name], "--format", "torchscript", "--view", "rgb", "residual", "-o", "joint.pt"])
    given = clips()
    expected = embedded(networks[name], ["rgb", "residual"], given)
    torch.testing.assert_close(torch.jit.load("joint.pt")(given), expected)


def test_keys_may_follow_views(files):
    options = ["--view", "rgb", "residual", "DATA.CLIP_LENGTH", "8", "DATA.CROP", "10"]
    main(["export", files["shared"], "--format", "torchscript", *options])
    assert torch.jit.load("r3d-rgb+residual-pooled.pt")(clips(1, 3, 8, 18, 24)).shape == (1, 64)


def test_networks_per_view_go_with_their_view(files, networks):
    main(["export", files["per_view"], "--format", "torchscript", "--view", "residual"])
    given = clips()
    expected = embedded(networks["per_view"][1:], ["residual"], given)
    torch.testing.assert_close(torch.jit.load("r3d-residual-pooled.pt")(given), expected)


def test_logits_and_their_classes(files, networks, capfd):
    main(["export", files["finetuned"], "--format", "torchscript", "--logits"])
    assert "logits of residual_unscaled, float32 (B, 3)" in capfd.readouterr().out
    given, extra = clips(), {"iic_ptv": ""}
    found = torch.jit.load("r3d-residual_unscaled-logits.pt", _extra_files=extra)(given)
    torch.testing.assert_close(found, embedded(networks["finetuned"], ["residual_unscaled"], given))
    assert tuple(json.loads(extra["iic_ptv"])["network"]["class_names"]) == CLASSES


def test_without_logits_a_classifier_is_left_out(files):
    main(["export", files["finetuned"], "--format", "torchscript"])
    assert torch.jit.load("r3d-residual_unscaled-pooled.pt")(clips()).shape == (5, 32)


def test_map_features_of_longer_clips_of_larger_frames(files):
    sizes = ["--input-size", "36", "48", "DATA.CLIP_LENGTH", "16", "DATA.FRAME_SIZE", "[36, 40]", "DATA.CROP", "33"]
    main(["export", files["shared"], "--format", "torchscript", "--features", "map", *sizes])
    assert torch.jit.load("r3d-rgb-map.pt")(clips(1, 3, 16, 36, 48)).shape == (1, 32 * 2)  # a map of 2 x 3 x 3


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("shared", ["--view", "flow_u"], "--view: flow_u is made of optical flow"),
        ("of_flow", [], "--view: flow_u is made of optical flow"),
        ("shared", ["--view", "rgb", "resdual"], "VIEWS: there is no 'resdual'. Did you mean residual"),
        (
            "per_view",
            ["--view", "residual_unscaled"],
            "for each of rgb, residual, and none for residual_unscaled",
        ),
        ("shared", ["--logits"], "--logits: "),
        ("finetuned", ["--logits", "--view", "rgb", "residual"], "--logits: a classifier takes one view"),
        ("shared", ["--logits", "--features", "map"], "not allowed with"),
        ("shared", ["--input-size", "0", "20"], "--input-size: expected height and width"),
        ("shared", ["MODEL.BACKBONE", "c3d"], "MODEL.BACKBONE: the checkpoint tells"),
        ("shared", ["DATA.CROP", "20"], "DATA.CROP: 20 is more than DATA.FRAME_SIZE"),
        ("shared", ["DATA.CROP"], "'DATA.CROP' has no value"),
        ("shared", ["-o", "it.onnx"], "it.onnx: files of TorchScript end with .pt"),
        ("shared", ["-o", "text/it.pt"], "it.pt: cannot be written"),
        ("shared", ["-o", "there.pt"], "there.pt: it is there already"),
        ("shared", ["--format", "tflite"], "invalid choice"),
        ("text", [], "text"),
        ("nowhere", [], "nowhere: there is no such checkpoint"),
    ],
)
def test_what_cannot_be_exported_is_refused(files, tmp_path, capsys, name, options, message):
    (tmp_path / "text").write_text("no checkpoint")
    (tmp_path / "there.pt").write_text("before")
    with pytest.raises(SystemExit) as exit:
        main(["export", files.get(name, name), "--format", "torchscript", *options])
    assert exit.value.code == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text", "there.pt"]
    assert (tmp_path / "there.pt").read_text() == "before"


def test_a_file_is_replaced_when_asked(files, tmp_path):
    (tmp_path / "there.pt").write_text("before")
    main(["export", files["shared"], "--format", "torchscript", "-o", "there.pt", "--overwrite"])
    assert torch.jit.load("there.pt")(clips()).shape == (5, 32)


def test_onnx_without_its_packages(files, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as Python has it where a package is missing
    with pytest.raises(SystemExit):
        main(["export", files["shared"], "--format", "onnx"])
    assert "pip install iic-ptv[onnx]" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
