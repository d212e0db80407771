"""Features of whole videos: the mean over the clips of a video (the paper's retrieval protocol)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import length_hint
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iic_ptv.data.progress import progress_bar
from iic_ptv.errors import InputError
from iic_ptv.evaluation.forward_pass import FULL_PRECISION
from iic_ptv.evaluation.video_means import VideoMeans

VIDEO_KEY = "video"

Transform = Callable[[dict[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class VideoFeatures:
    """What is known of N videos: one feature vector, one label and one name each, in the same order.

    Attributes:
        features: ``(N, D)`` float32, on the CPU.
        labels: ``(N,)`` long, the classes; -1 for none.
        names: N names.
        class_names: names of the classes in the order of their labels, if known.
    """

    features: Tensor
    labels: Tensor
    names: list[str]
    class_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


def extract_features(
    model: nn.Module,
    batches: Iterable[Mapping[str, Any]],
    view: nn.Module | None = None,
    device: torch.device | str | None = None,
    progress: bool | None = False,
    transform: Transform | None = None,
    precision: str = FULL_PRECISION,
) -> VideoFeatures:
    """Embed every video as the mean of the features of its clips.

    Args:
        model: network ``(B, C, T, H, W) -> (B, D)``; runs in eval mode, its modes are restored afterwards.
        batches: PyTorchVideo-style batches, e.g. a data loader: ``video`` float in [0, 1], or bytes that ``transform``
            makes floats of, ``(B, n, C, T, H, W)`` with n clips of each video or ``(B, C, T, H, W)`` with one;
            ``label`` ``(B,)``; ``video_name``, B strings. How the videos are batched does not change their features.
        view: module that turns the clips into what the network sees; RGB as it is if None.
        device: where to compute; the model is moved there. None: where the model is.
        progress: show a progress bar on standard error; None: where that is a terminal.
        transform: what happens to a batch on the device before the view is taken.
        precision: "32-true", "bf16-mixed" or "16-mixed" (on GPUs), see
            :func:`~iic_ptv.evaluation.forward_pass.check_precision`; features come out in float32 in any case.

    Returns:
        The features of all videos, in the order of the batches.

    Raises:
        InputError: there are no batches, their clips have a wrong shape or type, or the device does not compute in the
            precision.

    Example:
        >>> test = extract_features(network, test_loader, view=Residual())  # doctest: +SKIP
    """
    views = {"view": view or nn.Identity()}
    (found,) = extract_view_features(model, batches, views, device, progress, transform, precision).values()
    return found


def extract_view_features(
    models: nn.Module | Mapping[str, nn.Module],
    batches: Iterable[Mapping[str, Any]],
    views: Mapping[str, nn.Module],
    device: torch.device | str | None = None,
    progress: bool | None = False,
    transform: Transform | None = None,
    precision: str = FULL_PRECISION,
) -> dict[str, VideoFeatures]:
    """Embed every video in several views, decoding it once.

    Args:
        models: one network for all views, or one per view under the view's name (a mapping or ``nn.ModuleDict``).
        batches: as for :func:`extract_features`.
        views: the views by name; a view's attribute ``modality_key`` names the entry of the batch that it reads,
            "video" if it has none.
        device: as for :func:`extract_features`.
        progress: show a progress bar on standard error; None: where that is a terminal.
        transform: as for :func:`extract_features`.
        precision: as for :func:`extract_features`.

    Returns:
        The features of all videos for every view.

    Raises:
        InputError: as :func:`extract_features`, or if a view has no network or its entry is not in the batch.
    """
    found = extract_share(models, batches, views, device, progress, transform, precision)
    if not len(next(iter(found.values()))):
        raise InputError("There are no videos to extract features from: the data set or data loader is empty.")
    return found


def extract_share(
    models: nn.Module | Mapping[str, nn.Module],
    batches: Iterable[Mapping[str, Any]],
    views: Mapping[str, nn.Module],
    device: torch.device | str | None = None,
    progress: bool | None = False,
    transform: Transform | None = None,
    precision: str = FULL_PRECISION,
) -> dict[str, VideoFeatures]:
    """As :func:`extract_view_features`, of a share of the videos, maybe of none; the features are ``(0, 0)`` then."""
    networks = {name: _network_of(models, name) for name in views}
    if device is not None:
        for network in networks.values():
            network.to(device)
    means = _means_by_key(networks, views, precision)
    labels: list[Tensor] = []
    names: list[str] = []
    with _eval_mode(networks.values()), progress_bar(enabled=progress) as bar:
        task = bar.add_task("extracting features", total=length_hint(getattr(batches, "sampler", ())) or None)
        for batch in batches:
            batch = _on_device(batch, networks.values())
            batch = transform(batch) if transform else batch
            for key, of_key in means.items():
                of_key.add(_clips(batch, key))
            labels.append(torch.as_tensor(batch["label"], dtype=torch.long).cpu())
            names.extend(batch["video_name"])
            bar.advance(task, len(batch["video_name"]))
        if not names:
            nothing = VideoFeatures(torch.empty(0, 0), torch.empty(0, dtype=torch.long), names)
            return dict.fromkeys(views, nothing)
        found = {name: features for of_key in means.values() for name, features in of_key.finish().items()}
    return {name: VideoFeatures(found[name], torch.cat(labels), names) for name in views}


def join(features: Sequence[VideoFeatures], normalise_each: bool = False) -> VideoFeatures:
    """Joint features of several views of the same videos: the concatenation (the paper's joint retrieval).

    The cosine similarity of plain concatenations is a mean of the views' similarities weighted by the product of the
    feature norms: a view with larger features counts for more. ``normalise_each`` gives every view the same weight.

    Args:
        features: the views' features, of the same videos in the same order.
        normalise_each: L2-normalise each view's features before they are concatenated.

    Returns:
        Features of shape ``(N, D1 + D2 + ...)``.

    Raises:
        InputError: the views are not of the same videos.
    """
    first = features[0]
    for other in features[1:]:
        if other.names != first.names or not torch.equal(other.labels, first.labels):
            raise InputError(
                "Joint features need the same videos in the same order in every view: "
                "extract the views in one pass, with extract_view_features."
            )
    parts = [F.normalize(view.features, dim=1) if normalise_each else view.features for view in features]
    return replace(first, features=torch.cat(parts, dim=1))


def _network_of(models: nn.Module | Mapping[str, nn.Module], view: str) -> nn.Module:
    if not isinstance(models, (Mapping, nn.ModuleDict)):
        return models
    if view not in models:
        raise InputError(f"models: there is no network for the view '{view}', only for {', '.join(models)}.")
    return models[view]


def _means_by_key(
    networks: Mapping[str, nn.Module], views: Mapping[str, nn.Module], precision: str
) -> dict[str, VideoMeans]:
    """What makes the features, by the entry of the batch that the views read."""
    keys = {name: getattr(view, "modality_key", VIDEO_KEY) for name, view in views.items()}
    return {
        key: VideoMeans(networks, {name: view for name, view in views.items() if keys[name] == key}, precision)
        for key in dict.fromkeys(keys.values())
    }


def _on_device(batch: Mapping[str, Any], networks: Iterable[nn.Module]) -> dict[str, Any]:
    """The batch with its clips where the networks are."""
    parameter = next((parameter for network in networks for parameter in network.parameters()), None)
    if parameter is None:
        return dict(batch)
    is_clip = {key: torch.is_tensor(value) and value.ndim >= 5 for key, value in batch.items()}
    return {
        key: value.to(parameter.device, non_blocking=True) if is_clip[key] else value for key, value in batch.items()
    }


def _clips(batch: Mapping[str, Any], key: str) -> Tensor:
    """The batch's entry as ``(B, n, C, T, H, W)``."""
    if key not in batch:
        raise InputError(f"The batches have no entry '{key}', which the view reads; they have: {', '.join(batch)}.")
    clips: Tensor = batch[key]
    if clips.ndim not in (5, 6) or not clips.is_floating_point():
        raise InputError(
            f"'{key}' must be a float tensor (B, C, T, H, W) or (B, n, C, T, H, W), got {clips.dtype} of shape "
            f"{tuple(clips.shape)}: use the evaluation transform, which scales frames to [0, 1]."
        )
    return clips if clips.ndim == 6 else clips.unsqueeze(1)


@contextmanager
def _eval_mode(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Eval mode inside; afterwards every module has its own mode again, e.g. a frozen BatchNorm."""
    modes = {module: module.training for network in networks for module in network.modules()}
    try:
        for module in modes:
            module.training = False
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
