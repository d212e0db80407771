"""Linear probe: how well a linear classifier tells classes apart by frozen features.

The features are extracted once; multinomial logistic regression on them is convex, so that the probe is solved rather
than trained, and has neither learning rate nor epochs.

What is classified are directions, as in retrieval: contrastive losses compare features by their directions, and leave
their lengths to chance. Their components are standardised, so that the penalty treats all of them alike.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.evaluation.checks import check_features, check_labels, check_same_size
from iic_ptv.evaluation.similarity import directions

FOLDS = 3
PENALTIES = (0.1, 1.0, 1e1, 1e2, 1e3, 1e4)
DEFAULT_PENALTY = 1.0
MAX_ITERATIONS = 1000


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """A linear classifier of L2-normalised, then standardised features. All tensors are float64, on the CPU.

    Attributes:
        mean: ``(D,)`` of the normalised features that it was fitted to.
        deviation: ``(D,)`` standard deviation of these.
        weight: ``(C, D)``.
        bias: ``(C,)``; ``-inf`` for classes without a labelled video, which are never predicted.
        penalty: weight of the L2 penalty beside the summed cross-entropy, given or chosen.
    """

    mean: Tensor
    deviation: Tensor
    weight: Tensor
    bias: Tensor
    penalty: float

    def logits(self, features: Tensor) -> Tensor:
        """Logits ``(N, C)`` of features ``(N, D)``, float32, on the CPU.

        Raises:
            InputError: features are not ``(N, D)``, or NaN or infinite.
        """
        check_features("query", features)
        check_same_size(features, self.weight)
        inputs = (directions(features.cpu()) - self.mean) / self.deviation
        return (inputs @ self.weight.T + self.bias).float()


@torch.no_grad()
def fit_linear_probe(features: Tensor, labels: Tensor, num_classes: int, penalty: float | None = None) -> LinearProbe:
    """Fit a linear probe to labelled features: logistic regression with an L2 penalty.

    Unless it is given, the weight of the penalty is chosen by 3-fold cross-validation on the classes that have at
    least 3 videos; without two such classes it is 1. Nothing is random: the same features give the same probe.

    Args:
        features: ``(N, D)`` features of labelled videos.
        labels: ``(N,)`` their classes.
        num_classes: C, classes are 0..C-1; not all of them need to have videos.
        penalty: weight of the L2 penalty ``|weight|^2 / 2`` beside the summed cross-entropy (``1 / C`` in
            scikit-learn). None: choose it.

    Raises:
        InputError: features are NaN or infinite, labels are missing or not below ``num_classes``, all videos are of
            one class, or the penalty is not positive.

    Example:
        >>> probe = fit_linear_probe(gallery.features, gallery.labels, num_classes=101)  # doctest: +SKIP
        >>> predicted = probe.logits(query.features).argmax(dim=1)  # doctest: +SKIP
    """
    check_features("gallery", features)
    check_labels("gallery", features, labels, num_classes)
    if len(labels.unique()) < 2:
        raise InputError(
            f"gallery: all videos are of class {int(labels[0])}; a linear probe needs at least two classes."
        )
    if penalty is not None and penalty <= 0:
        raise InputError(f"penalty: must be above 0, or None to choose it; got {penalty}.")
    inputs, targets = directions(features.cpu()).numpy(), labels.cpu().numpy()
    # Threads of BLAS wait for each other by spinning: on busy cores they are many times slower than one.
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        # With about one video per class, scikit-learn supposes that a regression was meant.
        warnings.filterwarnings("ignore", "The number of unique classes")
        if penalty is None:
            penalty = _cross_validate(inputs, targets)
        return _as_tensors(_classifier(penalty).fit(inputs, targets), num_classes)


def _classifier(penalty: float = DEFAULT_PENALTY) -> Pipeline:
    regression = LogisticRegression(C=1 / penalty, max_iter=MAX_ITERATIONS)
    return Pipeline([("scale", StandardScaler()), ("regression", regression)])


def _cross_validate(inputs: np.ndarray, targets: np.ndarray) -> float:
    """The penalty that is best on videos held out, the least of equals."""
    enough = np.bincount(targets)[targets] >= FOLDS
    if len(np.unique(targets[enough])) < 2:
        return DEFAULT_PENALTY
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)  # shuffled: galleries may be in any order
    choices = {"regression__C": [1 / penalty for penalty in PENALTIES]}
    search = GridSearchCV(_classifier(), choices, cv=folds, refit=False)
    search.fit(inputs[enough], targets[enough])
    return PENALTIES[search.best_index_]


def _as_tensors(classifier: Pipeline, num_classes: int) -> LinearProbe:
    scale, regression = classifier["scale"], classifier["regression"]
    weight, bias = torch.from_numpy(regression.coef_), torch.from_numpy(regression.intercept_)
    if len(weight) == 1:  # of two classes, scikit-learn has the difference of the logits
        weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
    present = torch.from_numpy(regression.classes_)
    return LinearProbe(
        mean=torch.from_numpy(scale.mean_),
        deviation=torch.from_numpy(scale.scale_),
        weight=weight.new_zeros(num_classes, weight.shape[1]).index_copy_(0, present, weight),
        bias=bias.new_full((num_classes,), -torch.inf).index_copy_(0, present, bias),
        penalty=1 / regression.C,
    )
