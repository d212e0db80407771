"""Known faults of the versions that are installed: each is tried, not looked up."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import tempfile
import warnings

from iic_ptv.compat import RENAMED_MODULES, RenamedModuleFinder
from iic_ptv.errors import InputError
from iic_ptv.registry import ENTRY_POINT_GROUP, load_plugins
from iic_ptv.runs.doctor.decoders import write_video
from iic_ptv.runs.doctor.finding import Finding, State

MENDED = "`import iic_ptv` mends it, written before `import pytorchvideo...`; commands of iic do so"


def look_at_transforms() -> list[Finding]:
    """PyTorchVideo imports a module of torchvision under a name that it lost in 0.17."""
    import pytorchvideo.transforms  # noqa: F401

    (old_name,) = RENAMED_MODULES
    spec = importlib.util.find_spec(old_name)
    if spec is None or not isinstance(spec.loader, RenamedModuleFinder):
        return [Finding("pytorchvideo.transforms", State.FINE, "can be imported")]
    told = f"torchvision {_version('torchvision')} has renamed a module of theirs (PyTorchVideo's issues 258, 269, 271)"
    return [Finding("pytorchvideo.transforms", State.KNOWN, told, MENDED)]


def look_at_torchvision_decoder() -> list[Finding]:
    """torchvision's wheels cannot decode video, which PyTorchVideo offers as a decoder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the repair's own
        theirs = importlib.import_module("pytorchvideo.data.encoded_video_torchvision").EncodedVideoTorchVision
    if theirs.__module__ == "pytorchvideo.data.encoded_video_torchvision":
        return [Finding("decoder='torchvision'", State.FINE, "torchvision decodes video")]
    told = f"torchvision {_version('torchvision')} cannot decode video (PyTorchVideo's issue 77); PyAV does instead"
    return [Finding("decoder='torchvision'", State.KNOWN, told, MENDED)]


def look_at_decord_without_sound() -> list[Finding]:
    """PyTorchVideo lets decord read the sound of a video that has none."""
    if importlib.util.find_spec("decord") is None:
        return []
    from pytorchvideo.data.encoded_video import EncodedVideo

    with tempfile.TemporaryDirectory() as folder:
        path = write_video(folder)
        try:
            EncodedVideo.from_path(path, decode_audio=True, decoder="decord")
        except Exception as error:  # whichever decord raises in its version
            told = (
                f"in PyTorchVideo, decord {_version('decord')} fails on videos without sound ({type(error).__name__})"
            )
            mend = "give LabeledVideoDataset decode_audio=False; commands of iic read no sound"
            return [Finding("decoder='decord'", State.KNOWN, told, mend)]
    return [Finding("decoder='decord'", State.FINE, "reads videos without sound in PyTorchVideo, too")]


def look_at_plugins() -> list[Finding]:
    """Installed packages that add parts; a broken one ends every command."""
    names = [each.name for each in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)]
    try:
        load_plugins()
    except InputError as error:
        told, _, mend = str(error).partition("Mend ")
        return [Finding("plug-ins", State.BROKEN, told.strip(), f"mend {mend}")]
    if not names:
        return []
    return [Finding("plug-ins", State.FINE, ", ".join(names))]


def _version(distribution: str) -> str:
    return importlib.metadata.version(distribution)
