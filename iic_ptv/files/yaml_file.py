"""YAML files of keys with values, in which times and dates are read as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from iic_ptv.errors import InputError

INTEGER, TIMESTAMP = "tag:yaml.org,2002:int", "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """The safe loader, to which 4:00:00 is a text: YAML takes it for a number to the base of sixty, 14400.

    So is 2024-01-31, which YAML takes for a date, and no option holds any.
    """


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int | str:
    text = str(loader.construct_scalar(node))
    return text if ":" in text else loader.construct_yaml_int(node)


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor(INTEGER, _integer)
_Loader.add_constructor(TIMESTAMP, _text)


def read_mapping(path: Path) -> dict[str, Any]:
    """What a YAML file says; nothing if it is empty.

    Raises:
        InputError: it cannot be read, or does not hold keys with values.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader) or {}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a YAML file of KEY: VALUE lines ({error}).") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a YAML file of KEY: VALUE lines.")
    return content
