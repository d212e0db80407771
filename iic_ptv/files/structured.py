"""Frozen dataclasses as JSON, strictly: what is missing, unknown or of another type is named."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar, Union

T = TypeVar("T")


class StructureError(ValueError):
    """JSON does not have the structure of the dataclass; the message names the field."""


def to_json(value: Any) -> Any:
    """What ``json.dumps`` takes: dataclasses as dictionaries, tuples as lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {name: to_json(item) for name, item in value.items()}
    return value


def from_json(kind: type[T], content: Any, where: str = "") -> T:
    """Build a dataclass of what :func:`to_json` gave.

    Args:
        kind: the dataclass. Its fields may be dataclasses, tuples of one kind, dictionaries, or None.
        content: what was read.
        where: the name of the field that it is, for messages.

    Raises:
        StructureError: a field is missing, unknown or of another type.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Clip:
        ...     length: int
        ...     size: tuple[int, ...]
        >>> from_json(Clip, {"length": 16, "size": [64, 64]})
        Clip(length=16, size=(64, 64))
    """
    if not isinstance(content, dict):
        raise StructureError(f"{where or kind.__name__}: expected an object, got {content!r}")
    types_of = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    prefix = f"{where}." if where else ""
    if unknown := [name for name in content if name not in fields]:
        raise StructureError(f"{prefix}{unknown[0]}: there is no such field; there are {', '.join(fields)}")
    required = [name for name, field in fields.items() if _is_required(field)]
    if missing := [name for name in required if name not in content]:
        raise StructureError(f"{prefix}{missing[0]}: missing")
    return kind(**{name: _value(types_of[name], item, f"{prefix}{name}") for name, item in content.items()})


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _value(kind: Any, content: Any, where: str) -> Any:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return content
    if origin in (Union, types.UnionType):
        if content is None and type(None) in parts:
            return None
        return _value(next(part for part in parts if part is not type(None)), content, where)
    if origin is tuple:
        return _tuple(parts, content, where)
    if dataclasses.is_dataclass(kind):
        return from_json(kind, content, where)  # type: ignore[arg-type]
    if kind is float and type(content) is int:
        return float(content)
    expected = origin or kind
    if type(content) is not expected:
        raise StructureError(f"{where}: expected {expected.__name__}, got {content!r}")
    return content


def _tuple(parts: tuple[Any, ...], content: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(content, (list, tuple)):
        raise StructureError(f"{where}: expected a list, got {content!r}")
    kinds = [parts[0]] * len(content) if len(parts) == 2 and parts[1] is Ellipsis else list(parts)
    if len(kinds) != len(content):
        raise StructureError(f"{where}: expected {len(kinds)} entries, got {content!r}")
    return tuple(_value(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, content, strict=True)))
