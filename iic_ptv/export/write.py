"""Writing a file, and putting it in place only if it computes what the network does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from iic_ptv.errors import InputError
from iic_ptv.export.check import CHECKED_BATCHES, TOLERANCE, TRACED_BATCH, check_finite, largest_error, random_clips
from iic_ptv.export.extractor import Extractor
from iic_ptv.export.format import ExportDescription, Format, quiet
from iic_ptv.files.atomic import atomic_write


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path: the file.
        output_size: D of its output ``(B, D)``.
        error: how far its features are off, as a share of their norm.
    """

    path: Path
    output_size: int
    error: float


@torch.no_grad()
def write_export(
    extractor: Extractor, description: ExportDescription, file_format: Format, path: str | Path, overwrite: bool = False
) -> Exported:
    """Write an extractor, and check what was written on clips of noise, in batches of other sizes than the one traced.

    Args:
        extractor: what to write, on the CPU.
        description: what the file says of itself.
        file_format: how.
        path: where.
        overwrite: replace a file that is there.

    Raises:
        InputError: there is a file; it cannot be written, or not in this format; or what it computes is off by more
            than :data:`~iic_ptv.export.check.TOLERANCE` of the norm. Nothing is left behind then.
    """
    path = Path(path)
    _check_path(path, file_format, overwrite)
    batches = [random_clips(batch, description.input_shape) for batch in CHECKED_BATCHES]
    expected = [extractor(clips) for clips in batches]
    check_finite(expected)
    try:
        with atomic_write(path) as temporary, quiet():
            temporary.touch()  # what cannot be written is refused before the work
            file_format.write(extractor, random_clips(TRACED_BATCH, description.input_shape), description, temporary)
            run = file_format.load(temporary)
            error = largest_error(expected, [run(clips) for clips in batches])
            if error > TOLERANCE:
                raise InputError(
                    f"{path}: not written, as the exported network computes something else: its features are off by "
                    f"{error:.1g} of their norm, and {TOLERANCE:.0e} are allowed."
                )
    except InputError:
        raise
    except OSError as problem:
        raise InputError(f"{path}: cannot be written ({problem.strerror or problem}).") from problem
    except Exception as problem:  # what an exporter can raise that does not know a part of the network has no end
        raise InputError(
            f"{description.network.architecture} cannot be exported as {file_format.title}: {_reason(problem)}; "
            "another format may do."
        ) from problem
    return Exported(path, expected[0].shape[1], error)


def _check_path(path: Path, file_format: Format, overwrite: bool) -> None:
    if path.suffix != file_format.suffix:
        raise InputError(f"{path}: files of {file_format.title} end with {file_format.suffix}; name it so.")
    if path.exists() and not (overwrite and path.is_file()):
        raise InputError(f"{path}: it is there already; name another file with -o, or add --overwrite to replace it.")


def _reason(problem: BaseException) -> str:
    """The first line of what went wrong in the first place."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    lines = str(problem).strip().splitlines()
    return (lines[0] if lines else type(problem).__name__).rstrip(".")
