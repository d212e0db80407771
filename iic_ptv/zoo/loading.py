"""Weights into networks: all of them, or all but the classifier; what does not fit is told in words."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from iic_ptv.errors import InputError
from iic_ptv.zoo.weights_file import CLASSIFIER, Weights, WeightsFile


def load_into(backbone: nn.Module, weights: WeightsFile, num_classes: int | None = None, number: int = 0) -> None:
    """Copy published weights into a network, whose numbers keep their type.

    Where the weights have no classifier of so many classes, that of ``backbone`` stays new, and a warning says so.

    Args:
        backbone: built as ``weights.network`` says.
        weights: what to copy.
        num_classes: outputs of the classifier of ``backbone``; None: it has none.
        number: which network, where there is one for each view.

    Raises:
        InputError: the weights are of another network; the message names what differs.
    """
    if not 0 <= number < len(weights.networks):
        raise InputError(f"the weights are of {len(weights.networks)} networks; there is no number {number}.")
    state, given = backbone.state_dict(), weights.networks[number]
    with_classifier = num_classes is not None and num_classes == weights.num_classes
    if not with_classifier:
        given = without_classifier(given)
    found = differences(state if with_classifier else without_classifier(state), given)
    if found:
        raise InputError(
            f"the weights are of another network, {weights.network.architecture} with the options "
            f"{weights.network.options}: {in_words(found)}."
        )
    backbone.load_state_dict({**state, **given})
    if num_classes is not None and not with_classifier:
        has = f"a classifier of {weights.num_classes} classes" if weights.num_classes else "no classifier"
        warnings.warn(f"the weights have {has}; that of {num_classes} classes is new, untrained", stacklevel=3)


def without_classifier(weights: Mapping[str, Tensor]) -> Weights:
    """The weights of the backbone alone."""
    return {name: value for name, value in weights.items() if not name.startswith(CLASSIFIER)}


def in_float32(weights: Mapping[str, Tensor]) -> Weights:
    """The weights as a network in float32 has them; counters stay integers."""
    return {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}


def same_weights(first: WeightsFile, second: WeightsFile) -> bool:
    """Whether two files are of the same network and hold the same numbers."""
    return first.network == second.network and all(
        one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
        for one, other in zip(first.networks, second.networks, strict=True)
    )


def differences(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    """What keeps the weights ``given`` from fitting, in words."""
    found = [f"{name} is missing" for name in expected if name not in given]
    found += [f"{name} is not wanted" for name in given if name not in expected]
    found += [
        f"{name} is {tuple(given[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in given and given[name].shape != expected[name].shape
    ]
    return found


def in_words(found: list[str]) -> str:
    """The first three of the differences, and how many more there are."""
    return f"{'; '.join(found[:3])}{f'; and {len(found) - 3} more' if len(found) > 3 else ''}"
