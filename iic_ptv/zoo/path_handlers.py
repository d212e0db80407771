"""How iopath gets files of the web, of S3 and of the zoo: all are brought to this machine, and can be read only."""

from __future__ import annotations

import hashlib
import re
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from iopath.common.file_io import PathHandler
from iopath.common.s3 import S3PathHandler

from iic_ptv.errors import InputError
from iic_ptv.zoo.catalogue import RECORDS, catalogue_folder, find_record
from iic_ptv.zoo.download import download, has_hash
from iic_ptv.zoo.fetch import fetch, weights_folder
from iic_ptv.zoo.paths import CONFIG, LOG, ZOO
from iic_ptv.zoo.weights_file import SUFFIXES, hash_in_name

LONGEST = 100  # characters of a name that is taken over from a URL


def kept_at(url: str) -> Path:
    """Where the file of a URL is kept; by the whole of it, as many files are called the same."""
    name = re.sub(r"[^\w.-]", "_", PurePosixPath(urlparse(url).path).name)[-LONGEST:].lstrip(".") or "index"
    return weights_folder() / "urls" / hashlib.sha256(url.encode()).hexdigest()[:16] / name


class ReadingHandler(PathHandler):
    """A handler that has a local file for every path; kinds of it say where."""

    def _open(self, path: str, mode: str = "r", buffering: int = -1, **kwargs: Any) -> IO[Any]:
        self._check_kwargs(kwargs)
        if not set(mode) <= set("rbt"):
            raise InputError(f"{path}: this can be read, but not written.")
        return open(self._get_local_path(path), mode, buffering)

    def _isfile(self, path: str, **kwargs: Any) -> bool:
        try:
            return Path(self._get_local_path(path)).is_file()
        except InputError:
            return False

    _exists = _isfile


class FileHandler(ReadingHandler):
    """``file:///folder/name``: a path."""

    def _get_supported_prefixes(self) -> list[str]:
        return ["file://"]

    def _get_local_path(self, path: str, force: bool = False, **kwargs: Any) -> str:
        return url2pathname(urlparse(path).path)


class WebHandler(ReadingHandler):
    """``http://`` and ``https://``: downloaded once."""

    def _get_supported_prefixes(self) -> list[str]:
        return ["http://", "https://"]

    def _get_local_path(self, path: str, force: bool = False, **kwargs: Any) -> str:
        kept = kept_at(path)
        if force:
            kept.unlink(missing_ok=True)
        return str(download(path, kept))


class ZooHandler(ReadingHandler):
    """``iic://NAME``, the weights of a checkpoint, and ``iic://NAME/FILE``, any of its files."""

    def _get_supported_prefixes(self) -> list[str]:
        return [f"{ZOO}://"]

    def _get_local_path(self, path: str, force: bool = False, **kwargs: Any) -> str:
        name, _, file = path.removeprefix(f"{ZOO}://").rstrip("/").partition("/")
        record = find_record(name)
        if not file:
            return str(fetch(record))
        if file in [published.file for published in record.files]:
            return str(fetch(record, next(suffix for suffix in SUFFIXES if file.endswith(suffix))))
        beside = {CONFIG: record.config, LOG: record.log, record.config: record.config, record.log: record.log}
        if not (found := beside.get(file)):
            known = [each for each, present in ((CONFIG, record.config), (LOG, record.log)) if present]
            known += [published.file for published in record.files]
            raise InputError(f"{path}: {name} has no such file; it has: {', '.join(known) or 'none'}.")
        return str(catalogue_folder() / RECORDS / found)


class S3Handler(ReadingHandler):
    """``s3://bucket/key``, by iopath's own handler, with the credentials that boto3 finds."""

    def _get_supported_prefixes(self) -> list[str]:
        return ["s3://"]

    def _get_local_path(self, path: str, force: bool = False, **kwargs: Any) -> str:
        if find_spec("boto3") is None:
            raise InputError(f"{path}: files in S3 need boto3: pip install boto3.")
        try:
            kept = Path(_CachingS3(profile=None)._get_local_path(path))
        except Exception as error:  # what boto3 can raise has no end
            reason = "there is no such file" if isinstance(error, AssertionError) else str(error)
            raise InputError(
                f"{path}: it cannot be had ({reason}). boto3 takes address and credentials from AWS_ENDPOINT_URL, "
                "AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws."
            ) from error
        if not has_hash(kept, hash_in_name(kept)):
            kept.unlink()
            raise InputError(f"{path}: what came is not what its name says, by its SHA-256, and was deleted.")
        return str(kept)


class _CachingS3(S3PathHandler):
    def _local_cache_path(self, path: str) -> str:
        return str(kept_at(path))
