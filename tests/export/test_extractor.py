"""The module that is exported computes what evaluation computes."""

from dataclasses import replace

import pytest
import torch

from iic_ptv.export.extractor import Extractor
from iic_ptv.models import r3d
from iic_ptv.transforms import RGB, Residual, evaluation_transform
from iic_ptv.zoo.description import ClipFormat

CLIP = ClipFormat(length=4, stride=1, frame_size=(18, 24), crop=16)


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return [r3d(width=0.0625).eval() for _ in range(2)]


def clips(height, width):
    return torch.randint(256, (2, 3, 4, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("normalized", [False, True])
def test_clips_are_those_of_the_evaluation(networks, normalized):
    transform = evaluation_transform(16, (18, 24), normalized)
    extractor = Extractor([Residual()], networks[:1], replace(CLIP, normalized=normalized))
    expected = networks[0](Residual()(transform({"video": clips(18, 24)})["video"]))
    torch.testing.assert_close(extractor(clips(18, 24)), expected)


def test_frames_of_another_size_are_resized_to_within_a_grey_level(networks):
    extractor = Extractor([RGB()], networks[:1], CLIP)
    expected = evaluation_transform(16, (18, 24))({"video": clips(37, 50)})["video"]
    found = extractor.prepare(clips(37, 50))
    assert (found - expected).abs().max() <= 1 / 255
    assert (found - expected).abs().max() > 0


def test_features_of_several_views_lie_one_behind_the_other(networks):
    shared, own = (Extractor([RGB(), Residual()], given, CLIP) for given in (networks[:1], networks))
    features = shared(clips(18, 24)), own(clips(18, 24))
    assert features[0].shape == features[1].shape == (2, 64)
    torch.testing.assert_close(features[0][:, :32], features[1][:, :32])
    torch.testing.assert_close(features[1][:, 32:], Extractor([Residual()], networks[1:], CLIP)(clips(18, 24)))
    assert not torch.allclose(features[0][:, 32:], features[1][:, 32:])


def test_it_does_not_learn():
    extractor = Extractor([RGB()], [r3d(width=0.0625).train()], CLIP)
    assert not extractor(clips(18, 24)).requires_grad
    one, both = extractor(clips(18, 24)[:1]), extractor(clips(18, 24))
    torch.testing.assert_close(one, both[:1])  # no statistics of the batch
