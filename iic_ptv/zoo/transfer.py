"""The bytes of a URL, in a file that an interrupted transfer leaves and a later one goes on with."""

from __future__ import annotations

import errno
import json
import shutil
import time
from http.client import HTTPException, HTTPMessage, InvalidURL
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from torch.hub import tqdm

TRIES = 5
PAUSE = 1.0  # seconds before the next of them
TIMEOUT = 20.0  # seconds of silence
BLOCK = 2**17  # bytes
PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that may be others a moment later
PARTIAL = 206  # the answer is the part that was asked for
UNSATISFIABLE = 416  # the file has no such part


class TransferError(Exception):
    """The bytes cannot be had; the message says why."""


class _CutOff(Exception):
    """A try ended early, and another one may bring the rest."""


def transfer(url: str, part: Path, progress: bool = True) -> None:
    """Write what is at a URL to a file; what an earlier transfer left of it is not fetched again.

    It is only gone on with if the server says that the file is still the same. Whether what comes is what was wanted
    is for the caller to check.

    Args:
        url: ``http://``, ``https://``, ``ftp://`` or ``file://``; proxies are those of the environment.
        part: where to write. What was begun stays there if the transfer fails.
        progress: whether to show a bar.

    Raises:
        TransferError: nothing is there, or the connection fails again and again.
        OSError: the file cannot be written.
    """
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE)
        try:
            _try(url, part, progress)
        except _CutOff as error:
            reason = str(error)
        else:
            _source(part).unlink(missing_ok=True)
            return
    raise TransferError(f"the connection failed {TRIES} times ({reason})")


def forget(part: Path) -> None:
    """Delete what an interrupted transfer left."""
    for path in (part, _source(part)):
        path.unlink(missing_ok=True)


def _try(url: str, part: Path, progress: bool) -> None:
    begun, validator = _begun(url, part)
    with _opened(url, part, begun, validator) as response:
        if response.status == PARTIAL and not _goes_on(response.headers, begun, validator):
            forget(part)
            raise _CutOff("the file changed meanwhile")
        if response.status != PARTIAL:
            begun = 0
            forget(part)  # before what comes is said to be of this source
            _source(part).write_text(json.dumps({"url": url, "validator": _validator(response.headers)}))
        size = response.headers.get("Content-Length", "")
        total = begun + int(size) if size.isdigit() else None
        _check_space(part.parent, 0 if total is None else total - begun)
        with (
            open(part, "ab") as file,
            tqdm(
                total=total, initial=begun, desc=part.stem, disable=not progress,
                unit="B", unit_scale=True, unit_divisor=1024,
            ) as bar,
        ):  # fmt: skip
            _copy(response, file, bar)
    if total is not None and (came := part.stat().st_size) < total:
        raise _CutOff(f"{came:,} of {total:,} bytes came")


def _opened(url: str, part: Path, begun: int, validator: str) -> Any:
    headers = {"User-Agent": "iic_ptv"}
    if begun:
        headers |= {"Range": f"bytes={begun}-", "If-Range": validator}
    try:
        return urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == UNSATISFIABLE:
            forget(part)
        if error.code in (*PASSING, UNSATISFIABLE):
            raise _CutOff(f"{error.code} {error.reason}") from error
        raise TransferError(f"the server answers {error.code} {error.reason}") from error
    except (ValueError, InvalidURL) as error:
        raise TransferError(f"this is no address ({error})") from error
    except URLError as error:
        if begun:  # it worked before
            raise _CutOff(str(error.reason)) from error
        raise TransferError(f"it cannot be reached ({error.reason})") from error
    except (OSError, HTTPException) as error:
        raise _CutOff(str(error)) from error


def _copy(response: Any, file: IO[bytes], bar: Any) -> None:
    while True:
        try:
            block = response.read(BLOCK)
        except (OSError, HTTPException) as error:
            raise _CutOff(str(error)) from error
        if not block:
            return
        file.write(block)
        bar.update(len(block))


def _begun(url: str, part: Path) -> tuple[int, str]:
    """How many bytes an earlier transfer left to go on with, and by what to tell that the file is the same."""
    try:
        source = json.loads(_source(part).read_text())
        if source["url"] == url and source["validator"]:
            return part.stat().st_size, source["validator"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, ""


def _source(part: Path) -> Path:
    return part.with_suffix(".source")


def _goes_on(headers: HTTPMessage, begun: int, validator: str) -> bool:
    """Whether an answer is the rest of what was begun, also from a server that does not know ``If-Range``."""
    return headers.get("Content-Range", "").startswith(f"bytes {begun}-") and _validator(headers) == validator


def _validator(headers: HTTPMessage) -> str:
    """What is another one if the file is; empty if the server does not say."""
    etag = headers.get("ETag", "")
    return headers.get("Last-Modified", "") if not etag or etag.startswith("W/") else etag


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed:,} bytes are needed and {free:,} are free")
