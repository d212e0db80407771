"""Views that are made and embedded in one module: the features of the evaluation, joined as it joins them."""

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.evaluation.features import extract_view_features, join
from iic_ptv.models import r3d
from iic_ptv.models.joint_views import VIEWS_OF_RGB, JointViews
from iic_ptv.registry import VIEWS

WIDTH = 0.0625
NAMES = ["rgb", "residual"]


def networks(count: int, **options) -> list:
    torch.manual_seed(0)
    return [r3d(width=WIDTH, **options).eval() for _ in range(count)]


@pytest.fixture(scope="module")
def videos() -> torch.Tensor:
    """Two videos of eight clips each: as many as pass through a network at once in the evaluation."""
    return torch.rand(2, 8, 3, 4, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("features", ["pooled", "map"])
@pytest.mark.parametrize("count", [1, 2])
def test_joint_features_are_those_of_the_evaluation(videos, count: int, features: str) -> None:
    embedding = networks(count, features=features)
    batch = {"video": videos, "label": torch.tensor([0, 1]), "video_name": ["one", "two"]}
    by_view = extract_view_features(
        {name: embedding[number % count] for number, name in enumerate(NAMES)},
        [batch],
        {name: VIEWS.get(name)() for name in NAMES},
    )
    expected = join(list(by_view.values())).features
    with torch.no_grad():
        clips = JointViews(NAMES, embedding).eval()(videos.flatten(0, 1))
    torch.testing.assert_close(clips.unflatten(0, (2, 8)).mean(dim=1), expected)
    if features == "pooled":
        assert clips.shape == (16, JointViews(NAMES, embedding).feature_dim)


def test_one_view_is_the_network_of_that_view(videos) -> None:
    (network,) = networks(1)
    clips = videos[0]
    with torch.no_grad():
        assert torch.equal(JointViews(["residual"], [network])(clips), network(VIEWS.get("residual")()(clips)))
        assert not torch.equal(JointViews(["residual"], [network])(clips), network(clips))


def test_views_share_a_network_or_have_their_own() -> None:
    shared, own = JointViews(NAMES, networks(1)), JointViews(NAMES, networks(2))
    assert sum(each.numel() for each in own.parameters()) == 2 * sum(each.numel() for each in shared.parameters())
    assert shared.feature_dim == own.feature_dim == 2 * 32


def test_every_registered_view_that_needs_no_flow_can_be_made() -> None:
    of_rgb = [name for name in VIEWS.names() if VIEWS.get(name)().modality_key == "video"]
    assert sorted(VIEWS_OF_RGB) == of_rgb
    clip = torch.rand(2, 3, 4, 8, 8)
    for name, view in VIEWS_OF_RGB.items():
        assert torch.equal(view()(clip), VIEWS.get(name)()(clip))


def test_one_view_can_be_classified_and_several_cannot() -> None:
    assert JointViews(["residual"], networks(1, num_classes=5))(torch.rand(2, 3, 4, 16, 16)).shape == (2, 5)
    with pytest.raises(InputError, match="num_classes"):
        JointViews(NAMES, networks(1, num_classes=5))


@pytest.mark.parametrize(
    ("views", "message"),
    [
        (["rgb", "flow_u"], "flow_u is made of optical flow"),
        (["rbg"], "no view 'rbg'; choose from rgb, residual, residual_unscaled"),
        ([], "expected a list of views"),
        ("rgb", "expected a list of views"),
    ],
)
def test_views_that_cannot_be_made_are_refused(views, message: str) -> None:
    with pytest.raises(InputError, match=message):
        JointViews(views, networks(1))


def test_networks_and_views_must_match_in_number() -> None:
    with pytest.raises(InputError, match="expected 1, or one for each of rgb, residual; got 3"):
        JointViews(NAMES, networks(3))
