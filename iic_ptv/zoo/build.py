"""Networks of published weights."""

from __future__ import annotations

from iic_ptv.errors import InputError
from iic_ptv.models.backbone import Backbone
from iic_ptv.registry import BACKBONES
from iic_ptv.zoo.loading import load_into
from iic_ptv.zoo.weights_file import WeightsFile


def build_network(
    weights: WeightsFile, number: int = 0, num_classes: int | None = None, features: str = "pooled"
) -> Backbone:
    """The backbone that a file of weights describes, with the weights in it, in float32 and in eval mode.

    Args:
        weights: what was read from the file.
        number: which network, where there is one for each view.
        num_classes: outputs of the classifier: those of the file for its own (``weights.num_classes``); another number
            for a new one, of which a warning tells; None: features.
        features: ``"pooled"`` or ``"map"``.

    Raises:
        InputError: the weights do not fit what they describe, or it cannot be built.

    Example:
        >>> network = build_network(read_weights("r3d.iic_procedural-1a2b3c4d.pth"))  # doctest: +SKIP
    """
    network = weights.network
    build = BACKBONES.get(network.architecture)
    try:
        backbone: Backbone = build(num_classes=num_classes, features=features, **network.options)
    except TypeError as error:
        raise InputError(
            f"the weights are of {network.architecture} with the options {network.options}, which cannot be built: "
            f"{error}."
        ) from error
    load_into(backbone, weights, num_classes, number)
    return backbone.eval()
