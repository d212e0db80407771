"""Views of a clip that are made and embedded in one module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle

import torch
from torch import Tensor, nn

from iic_ptv.errors import InputError
from iic_ptv.models.backbone import Backbone
from iic_ptv.transforms.residual import Residual
from iic_ptv.transforms.rgb import RGB

# What can be made of the frames alone, under the names in the registry VIEWS, which needs more than torch.
VIEWS_OF_RGB: dict[str, Callable[[], nn.Module]] = {
    "rgb": RGB,
    "residual": Residual,
    "residual_unscaled": partial(Residual, scaled=False),
}


class JointViews(nn.Module):
    """Make views of RGB clips, embed each, and concatenate the features (the paper's joint retrieval).

    The features of each view are taken as they are, as :func:`~iic_ptv.evaluation.features.join` does.

    Args:
        views: names of the views, of :data:`VIEWS_OF_RGB`.
        networks: one that all views share, or one for each view.

    Raises:
        InputError: a view is unknown or needs optical flow; networks and views do not match in number; or there are
            several views, and networks that classify.

    Example:
        >>> network = JointViews(["rgb", "residual"], [r3d()])
        >>> network(torch.rand(2, 3, 16, 112, 112)).shape
        torch.Size([2, 1024])
    """

    def __init__(self, views: Sequence[str], networks: Sequence[Backbone]) -> None:
        super().__init__()
        check_views(views)
        if len(networks) not in (1, len(views)):
            raise InputError(f"networks: expected 1, or one for each of {', '.join(views)}; got {len(networks)}.")
        if len(views) > 1 and any(network.num_classes is not None for network in networks):
            raise InputError(
                "num_classes: there are no joint logits of several views; leave it at None and classify the joint "
                "features, or take one view."
            )
        self.views = nn.ModuleList(VIEWS_OF_RGB[name]() for name in views)
        self.networks = nn.ModuleList(networks)
        self.feature_dim = sum(network.feature_dim for _, network in zip(views, cycle(networks), strict=False))

    def forward(self, clip: Tensor) -> Tensor:
        """Map RGB clips ``(B, 3, T, H, W)`` to the features of all views, ``(B, D1 + D2 + ...)``.

        Args:
            clip: in [0, 1], or normalised where the networks were trained on views of normalised clips.
        """
        pairs = zip(self.views, cycle(self.networks), strict=False)
        return torch.cat([network(view(clip)) for view, network in pairs], dim=1)


def check_views(views: Sequence[str]) -> None:
    """Raise an InputError unless there are views and each can be made of RGB."""
    if isinstance(views, str) or not views:
        raise InputError(f"in_views: expected a list of views such as ['rgb', 'residual'], got {views!r}.")
    for view in views:
        if view.startswith("flow"):
            raise InputError(
                f"in_views: {view} is made of optical flow, which no clip tells by itself; leave in_views at None and "
                "give the network the flow view itself."
            )
        if view not in VIEWS_OF_RGB:
            raise InputError(f"in_views: there is no view '{view}'; choose from {', '.join(VIEWS_OF_RGB)}.")
