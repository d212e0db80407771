"""Entry points of torch.hub: networks for video, with or without weights, and the clips that they take.

From a video file to its features, with PyAV to decode it:

    model = torch.hub.load("path/to/iic_ptv", "r3d", source="local", pretrained=True).eval()
    transform = torch.hub.load("path/to/iic_ptv", "clip_transform", source="local", weights="r3d")
    frames = [torch.from_numpy(f.to_ndarray(format="rgb24")) for f in av.open("video.mp4").decode(video=0)]
    with torch.no_grad():
        features = model(transform(torch.stack(frames).permute(3, 0, 1, 2))).mean(0)

torch.hub takes every name here without an underscore for an entry point, so all imports have one.
"""

import inspect as _inspect
from collections.abc import Callable as _Callable
from typing import Any as _Any

from iic_ptv.zoo import hub as _hub

dependencies = ["torch", "torchvision"]

_ARGUMENTS = """

It maps RGB clips (B, 3, T, H, W), floats in [0, 1], of any T, H and W, to features or logits. It comes in training
mode, as modules do; call .eval() to use it. The entry point "clip_transform" makes clips of a video.

Args:
    pretrained (bool): load the default weights of this network.
    progress (bool): show how far a download is.
    weights: load these instead: the name of a checkpoint of the zoo, such as "{name}.TAG" or "TAG"; the path or the URL
        of a file of ours (.pth, or .safetensors if that is installed), checked against the hash in its name; or
        iic_ptv.zoo.get_weights(name). The network is built as they need it.
    num_classes (int): add a classifier: the one of fine-tuned weights if they have as many classes, else a new one, of
        which a warning tells. By default there is none, also with fine-tuned weights.
    features (str): without a classifier, "pooled" gives (B, {feature_dim}); "map" the last feature map, max-pooled by
        1 x 2 x 2 and flattened, (B, {map_dim}) at 16 x 112 x 112.
    in_views (list of str): views to make of the clips inside, of "rgb", "residual" and "residual_unscaled". Each is
        embedded, and features are concatenated: ["rgb", "residual"] gives the joint features of the paper,
        (B, {joint_dim}). Of weights with one network for each view, each view gets its own. By default clips are
        embedded as they come, by the network of the first view if there are several.
    {options}

Returns:
    torch.nn.Module with the attribute feature_dim.

Raises:
    ValueError: there are no such weights, they are damaged or of another network, or an option cannot be used; the
        message says what there is.

Example:
    >>> model = torch.hub.load("path/to/iic_ptv", "{name}", source="local").eval()
    >>> model(torch.rand(2, 3, 16, 112, 112)).shape
    torch.Size([2, {feature_dim}])
"""
_IN_CHANNELS = "in_channels (int): channels of a clip, 3 by default."
_WIDTH = f"width (float): factor on all channels, those of the features too, 1 by default.\n    {_IN_CHANNELS}"
_BLOCKS = f"blocks (list of int): of each of the four stages, [1, 1, 1, 1] by default.\n    {_WIDTH}"


def _network(feature_dim: int, map_dim: int, options: str) -> _Callable[[_Any], _Any]:
    """Complete the documentation of an entry point with what all of them share."""

    def documented(entry_point: _Any) -> _Any:
        arguments = _ARGUMENTS.format(
            name=entry_point.__name__,
            feature_dim=feature_dim,
            map_dim=map_dim,
            joint_dim=2 * feature_dim,
            options=options,
        )
        entry_point.__doc__ = _inspect.cleandoc(entry_point.__doc__) + arguments
        return entry_point

    return documented


@_network(512, 9216, _BLOCKS)
def r3d(pretrained: bool = False, progress: bool = True, weights: _Any = None, **options: _Any) -> _Any:
    """R3D with one block per stage, the network of the main experiments of IIC: 14.4 million parameters."""
    return _hub.hub_network("r3d", pretrained, progress, weights, **options)


@_network(512, 9216, _BLOCKS)
def r2plus1d(pretrained: bool = False, progress: bool = True, weights: _Any = None, **options: _Any) -> _Any:
    """R(2+1)D with one block per stage: R3D whose convolutions are factored into space and time."""
    return _hub.hub_network("r2plus1d", pretrained, progress, weights, **options)


@_network(512, 9216, _WIDTH)
def c3d(pretrained: bool = False, progress: bool = True, weights: _Any = None, **options: _Any) -> _Any:
    """C3D with BatchNorm and a global average in place of the fully connected layers: 27.7 million parameters."""
    return _hub.hub_network("c3d", pretrained, progress, weights, **options)


@_network(512, 9216, _IN_CHANNELS)
def r3d_18(pretrained: bool = False, progress: bool = True, weights: _Any = None, **options: _Any) -> _Any:
    """torchvision's R3D-18, two blocks per stage: 33.2 million parameters."""
    return _hub.hub_network("r3d_18", pretrained, progress, weights, **options)


@_network(1024, 2048, _IN_CHANNELS)
def s3d(pretrained: bool = False, progress: bool = True, weights: _Any = None, **options: _Any) -> _Any:
    """torchvision's S3D, separable 3D convolutions in Inception blocks: 7.9 million parameters."""
    return _hub.hub_network("s3d", pretrained, progress, weights, **options)


def clip_transform(weights: _Any = None, num_clips: int = 10) -> _Any:
    """Make clips of a whole video as the networks are evaluated on them.

    They are spread evenly over the video, resized, centre-cropped and brought to [0, 1], and normalised where the
    weights want it. A video that is shorter than a clip starts again.

    Args:
        weights: those of the network, as its entry point takes them, with the network in the name ("r3d.TAG"); the name
            of a network alone, such as "r3d", stands for its default weights. By default clips are the paper's:
            16 frames of 128 x 171, of which 112 x 112 are cut out.
        num_clips (int): clips of a video; the mean of their features stands for the video.

    Returns:
        torch.nn.Module that maps a video (3, T, H, W), uint8 or float in [0, 1], of any T, H and W, to clips
        (num_clips, 3, length, crop, crop).

    Raises:
        ValueError: there are no such weights.

    Example:
        >>> transform = torch.hub.load("path/to/iic_ptv", "clip_transform", source="local")
        >>> transform(torch.randint(256, (3, 75, 240, 320), dtype=torch.uint8)).shape
        torch.Size([10, 3, 16, 112, 112])
    """
    return _hub.hub_clip_transform(weights, num_clips)
