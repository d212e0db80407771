"""The contract of every backbone: clips in; pooled features, feature maps or logits out."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from iic_ptv.errors import InputError
from iic_ptv.models.layers import max_pool3d

FEATURES = ("pooled", "map")


class Backbone(nn.Module):
    """A network from clips to one vector each; subclasses say how to compute the feature map.

    What :meth:`forward` returns is chosen by ``num_classes`` and ``features``:

    * ``features="pooled"``: the feature map pooled over time and space, ``(B, feature_dim)``. This is
      what the contrastive loss and the k-NN protocols see.
    * ``features="map"``: the feature map max-pooled by 1 x 2 x 2 and flattened, the features with
      which the authors retrieve videos: ``(B, 9216)`` for R3D at 16 x 112 x 112.
    * with ``num_classes``: logits ``(B, num_classes)`` of a linear classifier on the pooled features.

    ``features`` can be switched at any time, with the weights in place:

        >>> backbone = r3d()
        >>> backbone.features = "map"

    Args:
        feature_dim: width of the pooled features.
        num_classes: number of classes of the classifier; ``None`` for a network without one.
        features: ``"pooled"`` or ``"map"``.

    Raises:
        InputError: ``features`` is unknown, or is ``"map"`` although there is a classifier.
    """

    def __init__(self, feature_dim: int, num_classes: int | None = None, features: str = "pooled") -> None:
        super().__init__()
        self.feature_dim = feature_dim
        self.num_classes = num_classes
        self.classifier = None if num_classes is None else nn.Linear(feature_dim, num_classes)
        self.features = features

    @property
    def features(self) -> str:
        """What :meth:`forward` returns when there is no classifier: ``"pooled"`` or ``"map"``."""
        return self._features

    @features.setter
    def features(self, features: str) -> None:
        if features not in FEATURES:
            raise InputError(f"features: there is no '{features}'; choose one of {', '.join(FEATURES)}.")
        if features == "map" and self.num_classes is not None:
            raise InputError(
                "features='map' and num_classes exclude each other: the classifier reads the pooled features. "
                "Leave num_classes at None, or features at 'pooled'."
            )
        self._features = features

    @property
    def stages(self) -> Iterable[nn.Module]:
        """Parts that one pass runs one after the other, none within another; what can be done piece by piece.

        :func:`~iic_ptv.models.activation_checkpointing.recompute_activations` recomputes them; the finer, the less
        memory a step needs at once. All children, unless a subclass knows better.
        """
        return self.children()

    def feature_map(self, clip: Tensor) -> Tensor:
        """Map a batch of clips ``(B, C, T, H, W)`` to its last feature map ``(B, D, T', H', W')``."""
        raise NotImplementedError

    def pool(self, feature_map: Tensor) -> Tensor:
        """Reduce a feature map to ``(B, feature_dim)``; the global average unless a subclass knows better."""
        return feature_map.mean(dim=(2, 3, 4))

    def forward(self, clip: Tensor) -> Tensor:
        """Map a batch of clips ``(B, C, T, H, W)`` to features or logits (see the class).

        Raises:
            InputError: ``clip`` has not five dimensions.
        """
        if clip.ndim != 5:
            raise InputError(f"A backbone expects clips of shape (B, C, T, H, W), not {tuple(clip.shape)}.")
        feature_map = self.feature_map(clip)
        if self.features == "map":
            return max_pool3d(feature_map, window=(1, 2, 2)).flatten(1)
        pooled = self.pool(feature_map)
        return pooled if self.classifier is None else self.classifier(pooled)
