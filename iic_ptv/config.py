"""The configuration of a run: its keys, their defaults and what they mean.

The defaults are the pre-training recipe of the paper (IIC with repeated frames and residuals, R3D). A YAML file
changes some of them and may name another file under ``_BASE_``; ``KEY VALUE`` pairs on the command line change single
ones. A key that is not listed here is an error.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import yaml
from fvcore.common.config import CfgNode

from iic_ptv.errors import InputError


def default_config() -> CfgNode:
    """The paper's recipe; every key that a configuration may have."""
    cfg = CfgNode()
    cfg.NAME = ""  # what the run is called; by default the options that tell it from others
    cfg.OUTPUT = "runs"  # run folders are made under OUTPUT/<command>/
    cfg.SEED = 0  # of everything that is drawn: weights, clips, negatives
    cfg.PLUGINS = []  # Python modules that register further views, losses, backbones, ...

    cfg.DATA = CfgNode()
    cfg.DATA.KIND = "auto"  # one of iic_ptv.registry.DATASETS, or scenes, which are rendered; auto looks at ROOT
    cfg.DATA.ROOT = ""  # folder of the videos
    cfg.DATA.LISTS = []  # list files to train on, in UCF101's format, or one CSV file; relative to ROOT or here
    cfg.DATA.CLASS_INDEX = ""  # classInd.txt; by default the one beside the lists
    cfg.DATA.ANNOTATIONS = ""  # official files of ucf101, hmdb51, kinetics, ...; by default in the usual places
    cfg.DATA.SPLIT = 1  # which of the official splits
    cfg.DATA.SUBSET = "train"  # which part of the split to train on
    cfg.DATA.MISSING = "error"  # what to do about listed files that do not exist: error or skip
    cfg.DATA.MANIFEST = "auto"  # written by `iic check-data`: its bad videos are left out; auto: ROOT's; or none
    cfg.DATA.MAX_BAD_SHARE = 0.05  # of the videos that turn out to be unreadable, before the run stops
    cfg.DATA.TIME_LIMIT = 60.0  # seconds that reading one clip may take before its video counts as bad; 0: any
    cfg.DATA.SCENES = CfgNode()  # DATA.KIND scenes: rendered where the training runs, no files, see projects/procedural
    cfg.DATA.SCENES.VIDEOS = 20000  # rows of the memory banks
    cfg.DATA.SCENES.FRAMES = 64  # of each, of which clips are cut
    cfg.DATA.SCENES.APPEARANCES = 0  # how many looks there are; 0: as many as scenes
    cfg.DATA.DECODER = "auto"  # auto, pyav, decord, torchcodec or frames
    cfg.DATA.CLIP_LENGTH = 16  # frames of a clip
    cfg.DATA.STRIDE = 1  # from one frame of a clip to the next
    cfg.DATA.FRAME_RATE = 0.0  # frames per second to bring videos to before STRIDE counts; 0 leaves them
    cfg.DATA.SHORT = "loop"  # videos shorter than a clip: loop, pad with the last frame, or refuse
    cfg.DATA.FLOW = ""  # for the views flow_u and flow_v: dis or tvl1 to compute it, or a folder of `iic flow`
    cfg.DATA.CLIPS_PER_VIDEO = 1  # 2: each view takes a clip of its own, as in IICv2
    cfg.DATA.FRAME_SIZE = [128, 171]  # height and width of the frames before cropping
    cfg.DATA.CROP = 112
    cfg.DATA.AUGMENTATION = "crop"  # crop (IIC) or strong (IICv2: flip, colour, grey, blur, normalisation)
    cfg.DATA.NUM_WORKERS = 2  # processes that decode
    cfg.DATA.START_METHOD = ""  # how they start: fork, forkserver or spawn; by default Python's choice

    cfg.MODEL = CfgNode()
    cfg.MODEL.BACKBONE = "r3d"  # one of iic_ptv.registry.BACKBONES
    cfg.MODEL.OPTIONS = CfgNode(new_allowed=True)  # passed to the backbone, for example {width: 0.5}
    cfg.MODEL.WEIGHTS = ""  # a run, checkpoint or iic://NAME of the zoo whose backbone to begin with; by default random
    cfg.MODEL.HEAD = []  # projection head: [hidden, output] features; none by default
    cfg.MODEL.PER_VIEW = False  # a network for each view in place of a shared one
    cfg.MODEL.KEY_MOMENTUM = 0.999  # share of the old weights that a step leaves in the encoder of keys of LOSS queue

    cfg.VIEWS = ["rgb", "residual"]  # of iic_ptv.registry.VIEWS
    # Of iic_ptv.registry.INTRA_NEGATIVES; repeat,shuffle: both of every clip, each with a memory bank of its own;
    # shuffle+rotate: one that is shuffled, then rotated; none: CMC.
    cfg.INTRA_NEGATIVE = "repeat"
    cfg.INTRA_NEGATIVE_OPTIONS = CfgNode(new_allowed=True)  # such as {num_segments: 8}; of several: {shuffle: {...}}

    cfg.LOSS = CfgNode()
    cfg.LOSS.NAME = "inter_intra_nce"  # one of iic_ptv.registry.LOSSES
    cfg.LOSS.NUM_NEGATIVES = 1024  # rows that are drawn of a memory bank, or the length of a queue
    cfg.LOSS.TEMPERATURE = 0.07
    cfg.LOSS.MOMENTUM = 0.5  # share of the old row that an update of a memory bank keeps
    cfg.LOSS.NORMALIZE = True  # False reproduces the authors' first code
    cfg.LOSS.OBJECTIVE = "softmax"  # or nce
    cfg.LOSS.EXCLUDE_SELF = False  # never draw a video as its own negative
    cfg.LOSS.FILL_BANKS = False  # start from a first pass over the data instead of random rows
    cfg.LOSS.INTRA_GRADIENT = False  # also contrast with the batch's own intra-negatives, which get a gradient, too
    cfg.LOSS.BANKS = "replicated"  # on every process all rows, or sharded: each process holds its share of them
    cfg.LOSS.BANK_PRECISION = "float32"  # bfloat16 and float16 halve the memory of the banks

    cfg.OPTIM = CfgNode()
    cfg.OPTIM.NAME = "sgd"  # or adamw
    cfg.OPTIM.BATCH_SIZE = 16  # clips per device
    # Batches whose mean gradient makes a step; if an epoch ends on fewer, these count for less. Each of them has batch
    # statistics of its own, is contrasted with the memory banks by itself, and updates them at once.
    cfg.OPTIM.ACCUMULATE = 1
    cfg.OPTIM.EPOCHS = 240
    cfg.OPTIM.LR = 0.01
    cfg.OPTIM.LR_SCALING = "none"  # of LR with the number of devices: none, linear or sqrt
    cfg.OPTIM.MOMENTUM = 0.9  # of sgd
    cfg.OPTIM.WEIGHT_DECAY = 1e-4
    cfg.OPTIM.SCHEDULE = "multistep"  # multistep, cosine, one_cycle, constant, or in fine-tuning plateau
    cfg.OPTIM.WARM_UP = 0.0  # epochs in which the rate rises linearly before multistep, cosine or constant begins
    cfg.OPTIM.MILESTONES = [45, 90, 125, 160]  # epochs after which multistep multiplies the rate by GAMMA
    cfg.OPTIM.GAMMA = 0.2  # the factor of multistep and plateau
    cfg.OPTIM.PATIENCE = 50  # epochs that plateau waits for a lower validation loss
    cfg.OPTIM.MIN_LR = 0.0  # the lowest rate of plateau and cosine
    cfg.OPTIM.CLIP_NORM = 0.0  # greatest norm of the gradient; 0 for any

    cfg.RECOGNITION = CfgNode()  # fine-tuning, whose defaults are in iic_ptv/configs/finetune.yaml
    cfg.RECOGNITION.VALIDATION_VIDEOS = 800  # training videos held out to choose the epoch by, at most a fifth of them
    cfg.RECOGNITION.VALIDATION_CLIPS = 3  # clips of each, whose logits are averaged
    cfg.RECOGNITION.LABEL_SMOOTHING = 0.0
    cfg.RECOGNITION.BACKBONE_LR = 1.0  # learning rate of the backbone, as a share of the classifier's

    cfg.TRAINER = CfgNode()
    cfg.TRAINER.ACCELERATOR = "auto"  # passed to lightning.Trainer, like the next two
    cfg.TRAINER.DEVICES = "auto"
    cfg.TRAINER.PRECISION = "auto"  # as Lightning has them, such as bf16-mixed; auto: that or 32-true, the faster
    cfg.TRAINER.CHANNELS_LAST = True  # the order of clips in memory that bf16-mixed is fastest with
    cfg.TRAINER.COMPILE = ""  # torch.compile the networks: default, or on GPUs reduce-overhead or max-autotune
    cfg.TRAINER.ACTIVATION_CHECKPOINTING = False  # compute activations again in the backward pass: far less memory
    cfg.TRAINER.LOG_EVERY = 10  # steps
    cfg.TRAINER.CHECKPOINT_EVERY = 1  # epochs
    cfg.TRAINER.CHECKPOINT_MINUTES = 30.0  # besides, so long after the last one; 0: only after epochs
    cfg.TRAINER.MAX_MINUTES = 0.0  # then stop as Ctrl-C does, to go on with --resume; 0: train to the end
    cfg.TRAINER.SYNC_BATCHNORM = False  # batch statistics of all devices together, not of each for itself
    cfg.TRAINER.DETERMINISTIC = False  # the same bits from every run alike, which costs time on GPUs

    cfg.EVAL = CfgNode()
    cfg.EVAL.GALLERY = []  # lists, a folder or a feature file to search in; by default the training data
    cfg.EVAL.QUERY = []  # likewise, to search with; by default the test part of an official split
    cfg.EVAL.VIEWS = []  # views to retrieve with, alone and jointly; by default those of the pre-training
    cfg.EVAL.UNTRAINED = True  # beside a checkpoint, score the network as it was before training, too
    cfg.EVAL.FEATURES = "map"  # map: max-pooled and flattened, as the paper's retrieval; or pooled
    cfg.EVAL.NUM_CLIPS = 10  # clips of a video whose features are averaged
    cfg.EVAL.BATCH_SIZE = 8  # videos that are read together; features do not depend on it
    cfg.EVAL.PRECISION = "32-true"  # or bf16-mixed, or on GPUs 16-mixed, which features depend on
    cfg.EVAL.COMPILE = False  # with torch.compile, before the first features: for many videos, mostly on GPUs

    cfg.PROBE = CfgNode()  # frozen features
    cfg.PROBE.FEATURES = "pooled"  # or map, as EVAL.FEATURES
    cfg.PROBE.NEIGHBOURS = 20  # k of the weighted k-NN
    cfg.PROBE.TEMPERATURE = 0.07  # of its weights exp(similarity / temperature)
    cfg.PROBE.SHOTS = [1, 5]  # labelled videos of each class, for few-shot probes
    cfg.PROBE.DRAWS = 10  # draws of so many videos

    cfg.ONLINE_KNN = CfgNode()  # watch a pre-training by the k-NN accuracy of EVAL.QUERY in EVAL.GALLERY, as PROBE says
    cfg.ONLINE_KNN.EVERY = 0  # epochs; 0: never
    cfg.ONLINE_KNN.NUM_CLIPS = 2  # clips of a video whose features are averaged
    return cfg


# What a value must be beyond its type. Lists are of text unless they are named here.
ELEMENTS: dict[str, type] = {"DATA.FRAME_SIZE": int, "MODEL.HEAD": int, "OPTIM.MILESTONES": int, "PROBE.SHOTS": int}
LENGTHS = {"DATA.FRAME_SIZE": (2,), "MODEL.HEAD": (0, 2)}
RANGES: dict[str, tuple[float, float]] = {
    "SEED": (0, 2**32 - 1),
    **dict.fromkeys(("LOSS.TEMPERATURE", "PROBE.TEMPERATURE"), (1e-3, math.inf)),
    **dict.fromkeys(("LOSS.MOMENTUM", "MODEL.KEY_MOMENTUM"), (0, 1)),
    "DATA.MAX_BAD_SHARE": (0, 1),
    **dict.fromkeys(("DATA.TIME_LIMIT", "DATA.FRAME_RATE"), (0, math.inf)),
    "OPTIM.MOMENTUM": (0, 1),
    **dict.fromkeys(("DATA.NUM_WORKERS", "LOSS.NUM_NEGATIVES"), (0, math.inf)),
    **dict.fromkeys(("OPTIM.LR", "OPTIM.WEIGHT_DECAY", "OPTIM.GAMMA", "OPTIM.CLIP_NORM"), (0, math.inf)),
    **dict.fromkeys(("OPTIM.WARM_UP", "OPTIM.PATIENCE", "OPTIM.MIN_LR"), (0, math.inf)),
    **dict.fromkeys(("RECOGNITION.VALIDATION_VIDEOS", "RECOGNITION.BACKBONE_LR", "ONLINE_KNN.EVERY"), (0, math.inf)),
    **dict.fromkeys(("RECOGNITION.VALIDATION_CLIPS", "ONLINE_KNN.NUM_CLIPS"), (1, math.inf)),
    "RECOGNITION.LABEL_SMOOTHING": (0, 0.999),
    **dict.fromkeys(("DATA.CLIP_LENGTH", "DATA.STRIDE", "DATA.CLIPS_PER_VIDEO"), (1, math.inf)),
    **dict.fromkeys(("DATA.FRAME_SIZE", "DATA.CROP", "DATA.SPLIT"), (1, math.inf)),
    **dict.fromkeys(("OPTIM.BATCH_SIZE", "OPTIM.EPOCHS", "EVAL.NUM_CLIPS", "EVAL.BATCH_SIZE"), (1, math.inf)),
    **dict.fromkeys(("PROBE.NEIGHBOURS", "PROBE.SHOTS", "PROBE.DRAWS"), (1, math.inf)),
    **dict.fromkeys(("TRAINER.LOG_EVERY", "TRAINER.CHECKPOINT_EVERY", "OPTIM.ACCUMULATE"), (1, math.inf)),
    **dict.fromkeys(("TRAINER.CHECKPOINT_MINUTES", "TRAINER.MAX_MINUTES", "DATA.SCENES.APPEARANCES"), (0, math.inf)),
    **dict.fromkeys(("DATA.SCENES.VIDEOS", "DATA.SCENES.FRAMES"), (1, math.inf)),
}


def load_config(
    file: str | Path | None = None,
    overrides: Sequence[str] = (),
    base: CfgNode | None = None,
    source: str = "the command line",
) -> CfgNode:
    """Read a configuration.

    Args:
        file: YAML file that changes some of the defaults; may name a ``_BASE_`` file. Either is a path or what else
            :func:`~iic_ptv.zoo.paths.local_path` knows; ``iic://NAME`` is the configuration of that checkpoint.
        overrides: ``KEY VALUE KEY VALUE ...``, applied last.
        base: what to start from in place of the defaults, such as the configuration of a checkpoint.
        source: where the overrides are from, for messages.

    Raises:
        InputError: no such file, not YAML, a key that does not exist (near ones are listed) or a value of the
            wrong type.
    """
    cfg = default_config() if base is None else base.clone()
    if file is not None:
        _merge(cfg, _read_yaml(str(file)), str(file))
    if len(overrides) % 2:
        raise InputError(f"options come as KEY VALUE pairs; '{overrides[-1]}' has no value.")
    for key, text in zip(overrides[::2], overrides[1::2], strict=True):
        # A folder called 2024_01 is no number: what an option takes as text is taken as it stands.
        value = text if isinstance(_default_of(key), str) else _parse(text)
        _merge(cfg, _nested(key, value), source)
    return cfg


def without_output(cfg: CfgNode) -> CfgNode:
    """A copy for another run, which goes where runs go by default: the folder may be on another machine."""
    cfg = cfg.clone()
    cfg.OUTPUT = default_config().OUTPUT
    return cfg


def parse_config(text: str, source: str) -> CfgNode:
    """Read a whole configuration back from the YAML that a run or a checkpoint keeps; ``source`` is for messages."""
    cfg = default_config()
    _merge(cfg, yaml.safe_load(text), source)
    return cfg


class _ConfigFile(CfgNode):
    """How files are opened that may have a base."""

    @classmethod
    def _open_cfg(cls, filename: str) -> IO[str]:
        # fvcore takes a base like iic://... for a path relative to the file that names it.
        return open(_local_path(re.sub(r"^.*/(?=\w+://)", "", filename)), encoding="utf-8")


def _read_yaml(name: str) -> dict[str, Any]:
    if not _local_path(name).is_file():
        raise InputError(f"{name}: there is no such configuration file.")
    try:
        content = _ConfigFile.load_yaml_with_base(name)
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, AttributeError, TypeError, AssertionError) as error:
        raise InputError(f"{name}: not a YAML file of KEY: VALUE lines ({error}).") from error
    except OSError as error:
        raise InputError(f"{name}: its _BASE_ cannot be read ({error}).") from error
    except RecursionError as error:
        raise InputError(f"{name}: it is its own _BASE_, or that of its _BASE_.") from error
    if not isinstance(content, dict):
        raise InputError(f"{name}: not a YAML file of KEY: VALUE lines.")
    return content


def _local_path(name: str) -> Path:
    """Where a configuration is on this machine."""
    if "://" not in name:
        return Path(name)
    from iic_ptv.zoo.paths import CONFIG, local_path  # it lies above, and few need it

    is_checkpoint = re.fullmatch(r"iic://[^/]+/?", name)
    return local_path(f"{name.rstrip('/')}/{CONFIG}" if is_checkpoint else name)


def _merge(cfg: CfgNode, changes: dict[str, Any], source: str, prefix: str = "") -> None:
    """Merge nested ``changes`` key by key, so that every message can name the key and the source."""
    for name, value in changes.items():
        key = f"{prefix}{name}"
        if name not in cfg and not cfg.is_new_allowed():
            key = f"{prefix}{_first_leaf(name, value)}"
            raise InputError(f"{source}: there is no option {key}.{_suggestion(key)}")
        if isinstance(cfg.get(name), CfgNode):
            if not isinstance(value, dict):
                raise InputError(f"{source}: {key} is a group of options; set one of them, for example {key}.NAME.")
            _merge(cfg[name], value, source, f"{key}.")
        elif name not in cfg and isinstance(value, dict):
            cfg[name] = CfgNode(value, new_allowed=True)  # a plain dictionary could not be written to a file
        else:
            cfg[name] = value if name not in cfg else _coerce(value, cfg[name], key, source)


def _coerce(value: Any, default: Any, key: str, source: str) -> Any:
    """Give ``value`` the type of the default, where nothing is lost, and check its range."""
    if isinstance(default, float) and isinstance(value, int | str) and not isinstance(value, bool):
        value = _number(str(value))
    if isinstance(default, list) and isinstance(value, str | tuple):
        value = [value] if isinstance(value, str) else list(value)
    if isinstance(default, str) and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # DEVICES: 2
    if type(value) is not type(default):
        raise InputError(f"{source}: {key} must be of type {type(default).__name__}, like {default!r}; got {value!r}.")
    _check_range(value, key, source)
    return value


def _check_range(value: Any, key: str, source: str) -> None:
    element = ELEMENTS.get(key, str)
    if isinstance(value, list) and not all(type(item) is element for item in value):
        raise InputError(f"{source}: {key} must be a list of type {element.__name__}; got {value!r}.")
    if key in LENGTHS and len(value) not in LENGTHS[key]:
        raise InputError(f"{source}: {key} must have {LENGTHS[key][-1]} entries; got {value!r}.")
    lowest, highest = RANGES.get(key, (-math.inf, math.inf))
    numbers = value if key in ELEMENTS else [value]
    if any(isinstance(number, int | float) and not lowest <= number <= highest for number in numbers):
        wanted = f"from {lowest} to {highest}" if highest < math.inf else f"{lowest} or more"
        raise InputError(f"{source}: {key} must be {wanted}; got {value}.")


def _default_of(key: str) -> Any:
    """The default of an option by its whole name; nothing for options that are not listed."""
    value: Any = default_config()
    for name in key.split("."):
        value = value.get(name) if isinstance(value, CfgNode) else None
    return value


def _nested(key: str, value: Any) -> dict[str, Any]:
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


def _first_leaf(name: str, value: Any) -> str:
    """The whole name of an option within nested groups."""
    if isinstance(value, dict) and value:
        return f"{name}.{_first_leaf(*next(iter(value.items())))}"
    return name


def _parse(text: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return _number(value) if isinstance(value, str) else value


def _number(text: str) -> float | str:
    """YAML reads 1e-4 as a word; people mean a number."""
    try:
        return float(text)
    except ValueError:
        return text


def _suggestion(key: str) -> str:
    keys = list(_flat_keys(default_config()))
    by_last = {known.rsplit(".", 1)[-1]: known for known in keys}
    near = difflib.get_close_matches(key.upper(), keys, n=3, cutoff=0.6)
    near += [by_last[last] for last in difflib.get_close_matches(key.upper().rsplit(".", 1)[-1], by_last, n=2)]
    near = list(dict.fromkeys(near))[:3]
    return f" Did you mean {' or '.join(near)}?" if near else f" The options are {', '.join(keys)}."


def _flat_keys(cfg: CfgNode, prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, value in cfg.items():
        if isinstance(value, CfgNode) and not value.is_new_allowed():
            keys += _flat_keys(value, f"{prefix}{name}.")
        else:
            keys.append(f"{prefix}{name}")
    return keys
