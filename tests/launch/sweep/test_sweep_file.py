"""Sweep files: what they say, and what is said of mistakes in them."""

from pathlib import Path

import pytest

from iic_ptv.errors import InputError
from iic_ptv.launch.sweep.file import Evaluation, read_sweep
from iic_ptv.launch.sweep.submit import request_of

WHOLE = """
config: configs/small.yaml
data: my_videos
options: {OPTIM.EPOCHS: 20, MODEL: {OPTIONS: {width: 0.5}}}
grid:
  VIEWS: [[rgb, residual], [rgb, rgb]]
  SEED: [0, 1]
evaluate:
  retrieve: {gallery: train.txt, query: [a.txt, b.txt], options: {EVAL.NUM_CLIPS: 2}}
  probe: {show: knn_top1}
  other_actions: {command: finetune, config: iic://r3d, data: other, train: train.txt, test: test.txt}
job: {nodes: 2, time: 4:00:00, slurm_exclude: n7}
at_most: 4
retries: 0
"""


@pytest.fixture
def written(tmp_path):
    """Write a sweep file."""

    def write(text: str) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return path

    return write


def test_a_file_is_read_as_it_says(written) -> None:
    path = written(WHOLE)
    file = read_sweep(path)
    assert (file.config, file.data) == (str(path.parent / "configs/small.yaml"), "my_videos")
    assert file.options == {"OPTIM.EPOCHS": 20, "MODEL": {"OPTIONS": {"width": 0.5}}}
    assert file.grid == {"VIEWS": [["rgb", "residual"], ["rgb", "rgb"]], "SEED": [0, 1]}
    assert (file.at_most, file.retries, file.text) == (4, 0, WHOLE)
    none = {"gallery": [], "query": []}
    assert file.evaluations == (
        Evaluation(
            "retrieve",
            "retrieve",
            None,
            None,
            {"gallery": ["train.txt"], "query": ["a.txt", "b.txt"]},
            {"EVAL.NUM_CLIPS": 2},
            ("top1", "top5", "map"),
        ),
        Evaluation("probe", "probe", None, None, none, {}, ("knn_top1",)),
        Evaluation(
            "other_actions",
            "finetune",
            "iic://r3d",
            "other",
            {"train": ["train.txt"], "test": ["test.txt"]},
            {},
            ("top1",),
        ),
    )


def test_all_but_the_grid_may_be_left_out(written) -> None:
    file = read_sweep(written("grid: {SEED: [0]}\n"))
    assert (file.config, file.data, file.options, file.evaluations, file.job) == (None, None, {}, (), {})
    assert (file.at_most, file.retries) == (None, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n", "mine.yaml: not a YAML file of KEY: VALUE lines"),
        ("grids: {SEED: [0]}\n", "mine.yaml: grids: there is no such key. Did you mean grid?"),
        ("data: x\n", "mine.yaml: grid: name the options that vary"),
        ("grid: [SEED]\n", "mine.yaml: grid: expected keys with values, got"),
        ("grid: {SEED: 3}\n", "mine.yaml: grid: SEED: expected a list of values, such as [0, 1]; got 3"),
        ("grid: {SEED: []}\n", "mine.yaml: grid: SEED: expected a list"),
        ("grid: {OUTPUT: [a, b]}\n", "mine.yaml: grid: OUTPUT cannot vary"),
        ("grid: {SEED: [0]}\noptions: {SEED: 1}\n", "mine.yaml: SEED stands in options and in grid"),
        ("grid: {SEED: [0]}\nat_most: 0\n", "mine.yaml: at_most: expected a number of at least 1, got 0"),
        ("grid: {SEED: [0]}\nat_most: yes\n", "mine.yaml: at_most: expected a number of at least 1, got True"),
        ("grid: {SEED: [0]}\nretries: -1\n", "mine.yaml: retries: expected a number of at least 0"),
        ("grid: {SEED: [0]}\nconfig: {a: 1}\n", "mine.yaml: config: expected one name"),
        ("grid: {SEED: [0]}\nevaluate: [probe]\n", "mine.yaml: evaluate: expected keys with values"),
        (
            "grid: {SEED: [0]}\nevaluate: {retreive: }\n",
            "mine.yaml: evaluate: retreive: there is no such evaluation. Did you mean retrieve?",
        ),
        ("grid: {SEED: [0]}\nevaluate: {a/b: }\n", "mine.yaml: evaluate: 'a/b' cannot be the name"),
        ("grid: {SEED: [0]}\nevaluate: {logs: {command: probe}}\n", "evaluate: 'logs' cannot be the name"),
        (
            "grid: {SEED: [0]}\nevaluate: {retrieve: {galery: x}}\n",
            "mine.yaml: evaluate: retrieve: galery: there is no such key. Did you mean gallery?",
        ),
        (
            "grid: {SEED: [0]}\nevaluate: {finetune: {gallery: x}}\n",
            "mine.yaml: evaluate: finetune: gallery: there is no such key. There are command, config, data, options, "
            "show, train, test.",
        ),
        (
            "grid: {SEED: [0]}\nevaluate: {retrieve: {show: [top2]}}\n",
            "mine.yaml: evaluate: retrieve: show: top2: there is no such figure. Did you mean top20? There are top1,",
        ),
        ("grid: {SEED: [0]}\nfolder: ../there\n", "mine.yaml: folder: expected one name"),
        ("rows: {a: {confg: x}}\n", "mine.yaml: rows: a: confg: there is no such key. Did you mean config?"),
        ("rows: {a: [x]}\n", "mine.yaml: rows: a: expected keys with values, got ['x']"),
        ("rows: {a: {train: 3}}\n", "mine.yaml: rows: a: train: expected true or false, got 3"),
        ("rows: {a: {train: false}}\n", "mine.yaml: rows: a: train: false leaves nothing to do"),
        (
            "rows: {a: {options: {SEED: 1}}}\ngrid: {SEED: [0]}\n",
            "mine.yaml: SEED stands in a and in grid; leave it out of one of them.",
        ),
        (
            "rows: {a: {reported: {retrieval: {top1: 3}}}}\nevaluate: {retrieve: }\n",
            "mine.yaml: rows: a: reported: retrieval: there is no such evaluation. Did you mean retrieve?",
        ),
        (
            "rows: {a: {reported: {retrieve: {top10: 3}}}}\nevaluate: {retrieve: }\n",
            "mine.yaml: rows: a: reported: retrieve: top10: there is no such key.",
        ),
        (
            "rows: {a: {reported: {retrieve: {top1: 365}}}}\nevaluate: {retrieve: }\n",
            "mine.yaml: rows: a: reported: retrieve: top1: expected a number in percent, from 0 to 100, got 365",
        ),
        ("grid: {SEED: [0]}\nevaluate: {retrieve: [x]}\n", "mine.yaml: evaluate: retrieve: expected keys with values"),
        (
            "grid: {SEED: [0]}\nevaluate: {retrieve: {query: {a: 1}}}\n",
            "mine.yaml: evaluate: retrieve: query: expected a name or a list of names",
        ),
    ],
)
def test_mistakes_are_named_with_their_place(written, text, message) -> None:
    with pytest.raises(InputError) as raised:
        read_sweep(written(text))
    assert message in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match=r"mine.yaml: there is no such sweep file"):
        read_sweep(tmp_path / "mine.yaml")


def test_the_command_line_is_heard_before_the_file_and_the_file_before_its_preset(written, tmp_path) -> None:
    preset, other = tmp_path / "preset.yaml", tmp_path / "other.yaml"
    preset.write_text("nodes: 8\nmem: 1G\npartition: a\ntime: 5\nslurm_gres: one\nslurm_exclude: n1\n")
    other.write_text("nodes: 3\n")
    job = f"job: {{preset: {preset}, mem: 2G, time: 4:00:00, slurm_exclude: n2}}\nat_most: 4\n"
    file = read_sweep(written(f"grid: {{SEED: [0]}}\n{job}"))
    request = request_of(file, None, {"partition": "b"})
    assert (request.nodes, request.mem, request.partition, request.minutes) == (8, "2G", "b", 240)
    assert (request.array_parallelism, request.parameters) == (4, {"slurm_gres": "one", "slurm_exclude": "n2"})
    assert request_of(file, None, {"array_parallelism": "2"}).array_parallelism == 2
    request = request_of(file, str(other), {})
    assert (request.nodes, request.mem, request.partition) == (3, "2G", None)


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("{node: 2}", "mine.yaml: job: node: there is no such key of a job"),
        ("{nodes: two}", "mine.yaml: job: nodes: expected a number of at least 1, got 'two'"),
        ("{time: soon}", "mine.yaml: job: --time: expected minutes"),
        ("{preset: nowhere}", "no preset of that name"),
    ],
)
def test_mistakes_in_the_job_are_named_with_their_place(written, job, message) -> None:
    with pytest.raises(InputError) as raised:
        request_of(read_sweep(written(f"grid: {{SEED: [0]}}\njob: {job}\n")), None, {})
    assert message in str(raised.value)
