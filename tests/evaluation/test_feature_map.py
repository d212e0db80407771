import math

import pytest
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA

from iic_ptv.errors import InputError
from iic_ptv.evaluation.feature_map import feature_map_section, project
from iic_ptv.evaluation.features import VideoFeatures


@pytest.fixture
def features():
    """Three well separated classes of twelve videos."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.eye(3, 8).repeat_interleave(12, 0)
    return centres + 0.05 * torch.randn(36, 8, generator=generator)


def videos(features, class_names=("a", "b", "c")):
    return VideoFeatures(features, torch.arange(3).repeat_interleave(12), [f"{i}.mp4" for i in range(36)], class_names)


def test_pca_of_directions_up_to_signs(features):
    expected = PCA(n_components=2).fit_transform(F.normalize(features, dim=1).double().numpy())
    found = project(features, "pca")
    torch.testing.assert_close(found.points.abs(), torch.from_numpy(expected).float().abs(), atol=1e-4, rtol=1e-4)
    assert "principal components" in found.description


def test_lengths_of_features_do_not_count(features):
    scales = torch.arange(1, 37)[:, None]
    torch.testing.assert_close(
        project(scales * features, "pca").points, project(features, "pca").points, atol=1e-5, rtol=1e-5
    )


def test_the_same_features_give_the_same_map(features):
    assert torch.equal(project(features).points, project(features.clone()).points)


def test_classes_stay_together(features):
    points = project(features).points.view(3, 12, 2)
    centres = points.mean(dim=1)
    assert (points - centres[:, None]).norm(dim=-1).max() < torch.pdist(centres).min() / 2


def test_umap_keeps_classes_together(features):
    pytest.importorskip("umap", reason="needs the extra umap")
    points = project(features, "umap").points.view(3, 12, 2)
    assert points.isfinite().all()
    centres = points.mean(dim=1)
    assert (points - centres[:, None]).norm(dim=-1).median() < torch.pdist(centres).min()


def test_features_that_are_all_alike_have_a_map():
    found = project(torch.ones(5, 4), "pca")
    torch.testing.assert_close(found.points, torch.zeros(5, 2), atol=1e-5, rtol=0)
    assert "nan" not in found.description


@pytest.mark.parametrize(
    ("features", "method", "message"),
    [
        (torch.ones(1, 4), "auto", "two videos or more"),
        (torch.ones(4), "auto", "two videos or more"),
        (torch.full((4, 4), math.nan), "auto", "NaN"),
        (torch.ones(4, 4), "tsne", "auto, pca, umap"),
    ],
)
def test_what_has_no_map_is_refused(features, method, message):
    with pytest.raises(InputError, match=message):
        project(features, method)


def test_clips_are_spread_over_the_classes(features):
    section = feature_map_section(videos(features), lambda row: torch.full((3, 1, 2, 2), row / 36), num_clips=5)
    assert sorted(section.clips) == [0, 1, 12, 13, 24]
    assert section.clips[12].mean() == pytest.approx(12 / 36)
    assert list(section.class_names) == ["a", "b", "c"]


def test_classes_without_names_are_called_by_their_number(features):
    section = feature_map_section(videos(features, class_names=()))
    assert list(section.class_names) == ["0", "1", "2"]
    assert not section.clips
