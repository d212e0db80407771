"""Networks of torchvision and PyTorchVideo's trainer under our names."""

import re

import pytest
import torch
from torch import nn
from torchvision.models import video
from trainer_files import METHODS, WIDTH, Trained

from iic_ptv.errors import InputError
from iic_ptv.registry import BACKBONES
from iic_ptv.zoo.foreign import TORCHVISION, TRAINER, from_foreign, from_trainer, source_of


@pytest.fixture(scope="module")
def resnet():
    """torchvision's R3D-18, with 7 classes."""
    torch.manual_seed(0)
    return video.r3d_18(num_classes=7).eval()


@pytest.fixture(scope="module", params=METHODS)
def trained(request):
    torch.manual_seed(0)
    return request.param, Trained(request.param).eval()


def test_torchvision_gives_the_same_logits(resnet) -> None:
    found = from_foreign(resnet.state_dict())
    assert (found.source, found.backbone, found.options, found.left_out) == (TORCHVISION, "r3d_18", {}, ())
    ours = BACKBONES.get("r3d_18")(num_classes=7).eval()
    ours.load_state_dict(found.weights)
    clip = torch.rand(1, 3, 4, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(clip), resnet(clip))


def test_torchvision_without_its_classifier(resnet) -> None:
    state = {name: value for name, value in resnet.state_dict().items() if not name.startswith("fc.")}
    assert from_foreign(state).weights.keys() == state.keys()


@pytest.mark.parametrize("other", [video.mc3_18, video.r2plus1d_18])
def test_other_networks_of_torchvision_are_told(other) -> None:
    with torch.device("meta"):
        state = other().state_dict()
    with pytest.raises(InputError, match=r"look like torchvision's r3d_18, but they are not: \S+ (is|are) "):
        from_foreign(state)


def test_colours_of_torchvision_are_as_near_as_is_said() -> None:
    transform = video.R3D_18_Weights.KINETICS400_V1.transforms()
    off = torch.tensor(transform.mean) - torch.tensor([0.485, 0.456, 0.406])
    assert "differ by 0.06 " in from_foreign(video.r3d_18(num_classes=1).state_dict()).note
    assert 0.055 < off.abs().max() < 0.065


def test_what_the_trainer_trains_gives_the_same_features(trained) -> None:
    method, module = trained
    found = from_foreign(module.state_dict())
    stem = {"stem_frames": 3} if METHODS[method] == 3 else {}
    assert (found.source, found.backbone) == (TRAINER, "slow_r50")
    assert found.options == {"stem_dim_out": WIDTH, **stem}
    ours = BACKBONES.get(found.backbone)(**found.options).eval()
    ours.load_state_dict(found.weights)
    clip = torch.rand(2, 3, 4, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(clip), module.model.backbone[0](clip))


def test_every_entry_of_the_trainer_is_accounted_for(trained) -> None:
    method, module = trained
    found = from_foreign(module.state_dict())
    assert len(found.weights) + len(found.left_out) == len(module.state_dict())
    assert {"model.backbone.1.weight", "knn_memory.memory"} <= set(found.left_out)
    assert ("queue_x" in found.left_out) == (method == "MoCo v2")
    assert ("model.predictor.0.weight" in found.left_out) == (method == "BYOL")
    assert any(name.startswith("model.backbone_mmt.0.") for name in found.left_out) == (method != "SimCLR")


def test_a_network_without_a_projector() -> None:
    module = Trained("SimCLR")
    module.model.backbone = module.model.backbone[0]
    found = from_trainer(module.state_dict())
    assert (found.backbone, found.left_out) == ("slow_r50", ("knn_memory.memory",))


def test_another_network_of_the_hub_is_told_by_its_shapes() -> None:
    with torch.device("meta"):
        backbone = BACKBONES.get("c2d_r50")(stem_dim_out=WIDTH)
    state = {f"model.backbone.0.{name.removeprefix('trunk.')}": value for name, value in backbone.state_dict().items()}
    assert from_trainer(state).backbone == "c2d_r50"
    with pytest.raises(InputError, match=r"fit none of slow_r50\. slow_r50: trunk\.blocks\.2\.\S+ is missing"):
        from_trainer(state, "slow_r50")


@pytest.mark.parametrize(("entry", "message"), [("model.head.weight", "has no model.head.weight"), ("x", "has no x")])
def test_what_the_trainer_does_not_have_is_refused(entry, message, trained) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        from_foreign({**trained[1].state_dict(), entry: torch.ones(1)})


def test_what_lacks_and_architectures_of_others_are_refused(trained) -> None:
    state = trained[1].state_dict()
    with pytest.raises(InputError, match=r"no network 'x3d_s' that is read here; choose slow_r50, c2d_r50"):
        from_foreign(state, "x3d_s")
    del state["model.backbone.0.blocks.1.res_blocks.0.branch1_norm.bias"]
    with pytest.raises(InputError, match=r"fit none of slow_r50, .* slow_r50: \S+branch1_norm\.bias is missing"):
        from_foreign(state)


def test_sources_are_told_by_names(resnet) -> None:
    assert source_of(resnet.state_dict()) == TORCHVISION
    assert source_of(nn.Linear(2, 2).state_dict()) == ""
    with pytest.raises(InputError, match=r"neither of torchvision nor of .*; the first of the weights is weight"):
        from_foreign(nn.Linear(2, 2).state_dict())
