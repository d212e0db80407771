"""The registries: every part that a configuration can name, in one visible list.

An entry is the address of a part, not the part: looking one up imports that part's module and no
other. To add your own, register it (``BACKBONES.register(my_backbone)``) in a module that you name in
the configuration key ``PLUGINS`` or in the entry-point group ``iic_ptv.plugins``.

Example:
    >>> from iic_ptv.registry import BACKBONES
    >>> backbone = BACKBONES.get("r3d")()
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.metadata
from collections.abc import Iterable, Iterator
from typing import Any

from fvcore.common.registry import Registry as FvcoreRegistry

from iic_ptv.errors import InputError

ENTRY_POINT_GROUP = "iic_ptv.plugins"


class UnknownPartError(InputError, KeyError):
    """No part of that name is registered; the message lists those that are."""

    def __str__(self) -> str:
        return str(self.args[0])


class Registry(FvcoreRegistry):
    """fvcore's registry with lazy entries, names beside functions, and errors that help.

    Args:
        name: what the registry is called in messages.
        signature: what every entry must be, in words.
    """

    def __init__(self, name: str, signature: str) -> None:
        super().__init__(name)
        self.signature = signature
        self._lazy: dict[str, tuple[str, dict[str, Any]]] = {}

    def _do_register(self, name: str, obj: Any) -> None:
        if name in self:
            raise InputError(f"{self._name}: the name '{name}' is taken; register yours under another name.")
        self._obj_map[name] = obj

    def register(self, obj: Any = None, *, name: str | None = None) -> Any:
        """Register ``obj`` under ``name``, by default its ``__name__``; works as a decorator, too."""
        if obj is None:
            return functools.partial(self.register, name=name)
        self._do_register(name or obj.__name__, obj)
        return obj

    def register_lazily(self, name: str, address: str, /, **options: Any) -> None:
        """Register what ``address`` (``"package.module:attribute"``) names, with ``options`` bound to it."""
        if name in self:
            raise InputError(f"{self._name}: the name '{name}' is taken; register yours under another name.")
        self._lazy[name] = (address, options)

    def get(self, name: str) -> Any:
        """Return the part called ``name``.

        Raises:
            UnknownPartError: there is none; the message lists the names that exist, near ones first.
        """
        if name in self._lazy:
            address, options = self._lazy[name]
            module, attribute = address.split(":")
            part = getattr(importlib.import_module(module), attribute)
            self._obj_map[name] = functools.partial(part, **options) if options else part
            del self._lazy[name]
        if name not in self._obj_map:
            raise UnknownPartError(self._unknown(name))
        return self._obj_map[name]

    def names(self) -> list[str]:
        """All registered names, sorted."""
        return sorted({*self._obj_map, *self._lazy})

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.names(), n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return f"{self._name}: there is no '{name}'.{hint} Registered: {', '.join(self.names())}."

    def __contains__(self, name: object) -> bool:
        return name in self._obj_map or name in self._lazy

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return ((name, self.get(name)) for name in self.names())

    def __repr__(self) -> str:
        return f"{self._name}: {self.signature}\n  " + "\n  ".join(self.names())

    __str__ = __repr__


def load_plugins(modules: Iterable[str] = ()) -> None:
    """Import third-party modules, so that they can register their parts.

    Args:
        modules: names of modules to import, beside those of installed packages that declare the
            entry-point group ``iic_ptv.plugins``.

    Raises:
        InputError: one of them cannot be imported; the message names it, or the package that it comes with.
    """
    for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        try:
            entry_point.load()
        except Exception as error:
            package = entry_point.dist.name if entry_point.dist else entry_point.module
            raise InputError(
                f"The plug-in '{entry_point.name}' of the installed package {package} cannot be loaded "
                f"({type(error).__name__}: {error}). Mend {entry_point.module}, or do without: pip uninstall {package}"
            ) from error
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise InputError(f"PLUGINS: the module '{module}' cannot be imported ({error}).") from error


VIEWS = Registry(
    "VIEWS",
    "f(**options) -> module that maps (..., C, T, H, W) to (..., 3, T, H, W); its attribute `modality_key` "
    "names the entry of the sample that it reads ('video' or 'flow').",
)
VIEWS.register_lazily("rgb", "iic_ptv.transforms.rgb:RGB")
VIEWS.register_lazily("residual", "iic_ptv.transforms.residual:Residual")
VIEWS.register_lazily("residual_unscaled", "iic_ptv.transforms.residual:Residual", scaled=False)
VIEWS.register_lazily("flow_u", "iic_ptv.transforms.flow:FlowChannel", channel="u")
VIEWS.register_lazily("flow_v", "iic_ptv.transforms.flow:FlowChannel", channel="v")

INTRA_NEGATIVES = Registry(
    "INTRA_NEGATIVES",
    "f(**options) -> module that maps a clip (..., C, T, H, W) to one of the same shape and values whose motion "
    "is destroyed, drawn per clip; forward(clip, generator=None).",
)
INTRA_NEGATIVES.register_lazily("repeat", "iic_ptv.transforms.repeat_frame:RepeatFrame")
INTRA_NEGATIVES.register_lazily("shuffle", "iic_ptv.transforms.shuffle_segments:ShuffleSegments")
INTRA_NEGATIVES.register_lazily("shuffle_frames", "iic_ptv.transforms.shuffle_frames:ShuffleFrames")
INTRA_NEGATIVES.register_lazily("freeze", "iic_ptv.transforms.freeze_segment:FreezeSegment")
INTRA_NEGATIVES.register_lazily("rotate", "iic_ptv.transforms.rotate_frames:RotateFrames")
INTRA_NEGATIVES.register_lazily("reverse", "iic_ptv.transforms.reverse_frames:ReverseFrames")

LOSSES = Registry(
    "LOSSES",
    "f(num_videos, feature_dim, num_views=2, intra_negatives=1, **options of LOSS that it knows) -> module; "
    "forward(views, intra_negative, index) -> ContrastOutput, with `views` a sequence of (B, D). Where its attribute "
    "`intra_gradient` is true, intra-negatives come with gradient; where `takes_keys` is, `keys` come, too.",
)
LOSSES.register_lazily("inter_intra_nce", "iic_ptv.losses.inter_intra_nce:InterIntraNCELoss")
LOSSES.register_lazily("in_batch", "iic_ptv.losses.in_batch:InBatchLoss")
LOSSES.register_lazily("queue", "iic_ptv.losses.queue:QueueLoss")

BACKBONES = Registry(
    "BACKBONES",
    "f(num_classes=None, features='pooled', in_channels=3, **options) -> module (B, C, T, H, W) -> (B, D) with "
    "`feature_dim`; see iic_ptv.models.backbone.Backbone.",
)
BACKBONES.register_lazily("r3d", "iic_ptv.models.r3d:r3d")
BACKBONES.register_lazily("r2plus1d", "iic_ptv.models.r2plus1d:r2plus1d")
BACKBONES.register_lazily("c3d", "iic_ptv.models.c3d:c3d")
BACKBONES.register_lazily("r3d_18", "iic_ptv.models.torchvision_backbone:r3d_18")
BACKBONES.register_lazily("s3d", "iic_ptv.models.torchvision_backbone:s3d")
for _name in (
    *("slow_r50", "c2d_r50", "i3d_r50", "csn_r101", "r2plus1d_r50", "x3d_xs", "x3d_s", "x3d_m", "x3d_l"),
    *("slowfast_r50", "slowfast_r101", "slowfast_16x8_r101_50_50"),
):
    BACKBONES.register_lazily(_name, "iic_ptv.models.pytorchvideo_backbone:pytorchvideo_backbone", name=_name)

TASKS = Registry("TASKS", "a LightningModule that is built from plain objects and trained by lightning.Trainer.")
TASKS.register_lazily("iic", "iic_ptv.tasks.iic:IICTask")
TASKS.register_lazily("iic_momentum", "iic_ptv.tasks.momentum:MomentumIICTask")
TASKS.register_lazily("recognition", "iic_ptv.tasks.recognition:RecognitionTask")

DATASETS = Registry(
    "DATASETS",
    "f(root, **options) -> iic_ptv.data.index.VideoIndex, whose rows are the rows of the memory banks; data sets with "
    "official lists take the options annotations=None, split=1, subset='train', missing='error'.",
)
DATASETS.register_lazily("any_folder", "iic_ptv.data.collections.folders:any_folder")
DATASETS.register_lazily("class_folders", "iic_ptv.data.collections.folders:class_folders")
DATASETS.register_lazily("flat_folder", "iic_ptv.data.collections.folders:flat_folder")
DATASETS.register_lazily("csv", "iic_ptv.data.collections.csv_file:csv_file")
DATASETS.register_lazily("ucf101_lists", "iic_ptv.data.collections.ucf101:ucf101_lists")
DATASETS.register_lazily("ucf101", "iic_ptv.data.collections.ucf101:ucf101")
DATASETS.register_lazily("hmdb51", "iic_ptv.data.collections.hmdb51:hmdb51")
DATASETS.register_lazily("kinetics", "iic_ptv.data.collections.kinetics:kinetics")
DATASETS.register_lazily("something_something", "iic_ptv.data.collections.something_something:something_something")
