"""Features in two dimensions, for a map on which similar videos lie near each other."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.evaluation.checks import check_features
from iic_ptv.evaluation.features import VideoFeatures
from iic_ptv.evaluation.sections import FeatureMap

METHODS = ("auto", "pca", "umap")
NUM_CLIPS = 48  # of the points that show one, so that a page stays below a few MB
SEED = 0
FEWEST_FOR_UMAP = 50  # videos; among fewer there are hardly any neighbourhoods to keep


@dataclass(frozen=True, eq=False)
class Projection:
    """Features in two dimensions.

    Attributes:
        points: ``(N, 2)`` float32.
        description: how they were made, as a sentence for people.
    """

    points: Tensor
    description: str


def project(features: Tensor, method: str = "auto") -> Projection:
    """Bring features to two dimensions, those of similar direction near each other.

    The features are normalised first, as only their cosine similarity is ever compared. The same features always
    give the same map.

    Args:
        features: ``(N, D)``.
        method: "pca", which keeps distances as well as a plane can; "umap", which keeps neighbourhoods (extra "umap");
            "auto": UMAP where it is installed, else PCA.

    Raises:
        InputError: fewer than two videos, NaN or infinite features, no such method, or UMAP is not installed.

    Example:
        >>> project(torch.randn(100, 512), "pca").points.shape
        torch.Size([100, 2])
    """
    _check(features, method)
    directions = F.normalize(features.float().cpu(), dim=1)
    has_umap = importlib.util.find_spec("umap") is not None
    if method == "umap" and not has_umap:
        raise InputError('method: UMAP is not installed; pip install "iic-ptv[umap]", or use pca.')
    if method == "umap" or (method == "auto" and has_umap and len(features) >= FEWEST_FOR_UMAP):
        return _umap(directions)
    return _pca(directions)


def feature_map_section(
    videos: VideoFeatures,
    clip: Callable[[int], Tensor] | None = None,
    method: str = "auto",
    num_clips: int = NUM_CLIPS,
) -> FeatureMap:
    """The map of some videos' features, for a report.

    Args:
        videos: the features; classes colour the points.
        clip: what shows the clip ``(3, T, H, W)`` of a video by its row; None: points without clips.
        method: see :func:`project`.
        num_clips: how many points show their clip, spread evenly over the classes.

    Raises:
        InputError: as :func:`project`.
    """
    projection = project(videos.features, method)
    names = videos.class_names or tuple(str(label) for label in range(int(videos.labels.max()) + 1))
    shown = _spread_over_classes(videos.labels, num_clips) if clip else []
    return FeatureMap(
        projection.points,
        videos.labels,
        names,
        videos.names,
        clips={row: clip(row) for row in shown} if clip else {},
        note=projection.description,
    )


def _pca(directions: Tensor) -> Projection:
    if torch.equal(directions, directions[:1].expand_as(directions)):
        return Projection(torch.zeros(len(directions), 2), "All features are the same.")
    pca = PCA(n_components=2, random_state=SEED)
    points = torch.from_numpy(pca.fit_transform(directions.numpy())).float()
    share = 100 * float(pca.explained_variance_ratio_.sum())
    return Projection(points, f"The first two principal components of the features, {share:.0f} % of their variance.")


def _umap(directions: Tensor) -> Projection:
    from umap import UMAP  # an extra, slow to import

    points = UMAP(metric="cosine", random_state=SEED, n_jobs=1).fit_transform(directions.numpy())
    return Projection(torch.from_numpy(points).float(), "UMAP of the features: near points are alike, far ones differ.")


def _spread_over_classes(labels: Tensor, count: int) -> list[int]:
    """Rows of ``count`` videos: the first of every class, then the second of every class, and so on."""
    nth = torch.zeros_like(labels)
    for label in labels.unique():
        of_class = labels == label
        nth[of_class] = torch.arange(int(of_class.sum()))
    order = torch.argsort(nth, stable=True)
    return sorted(order[:count].tolist())


def _check(features: Tensor, method: str) -> None:
    if method not in METHODS:
        raise InputError(f"method: expected one of {', '.join(METHODS)}, got '{method}'.")
    if features.ndim != 2 or len(features) < 2 or features.shape[1] < 2:
        raise InputError(f"features: a map needs (N, D) with two videos or more; got {tuple(features.shape)}.")
    check_features("features", features)
