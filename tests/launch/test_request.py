"""Job requests: defaults, presets and options."""

from pathlib import Path

import pytest

from iic_ptv.errors import InputError
from iic_ptv.launch.executor import check_parameters
from iic_ptv.launch.request import PRESETS, JobRequest, job_request, read_preset

ROOT = Path(__file__).parents[2]


def test_options_change_a_preset_which_changes_the_defaults(tmp_path) -> None:
    preset = tmp_path / "mine.yaml"
    preset.write_text(
        "nodes: 2\ngpus_per_node: 8\ntime: 2-12:00\nsetup: [module load cuda]\nslurm_exclude: n7\nslurm_gres: a\n"
    )
    request = job_request(str(preset), {"nodes": "4", "parameters": {"slurm_gres": "b"}})
    assert (request.nodes, request.gpus_per_node, request.num_tasks_per_node, request.minutes) == (4, 8, 8, 3600)
    assert request.setup == ("module load cuda",)
    assert request.parameters == {"slurm_exclude": "n7", "slurm_gres": "b"}
    assert request.max_timeouts == JobRequest().max_timeouts


def test_a_time_in_a_preset_needs_no_quotes(tmp_path) -> None:
    preset = tmp_path / "mine.yaml"
    preset.write_text("time: 4:00:00\n")
    assert job_request(str(preset), {}).minutes == 240  # not 14400, for which YAML takes it


def test_what_lies_beneath_a_preset_is_changed_by_it() -> None:
    beneath = [{"nodes": 2, "mem": "1G", "parameters": {"slurm_gres": "a", "slurm_exclude": "n1"}}, {"nodes": 3}]
    request = job_request(None, {"parameters": {"slurm_gres": "b"}}, *beneath)
    assert (request.nodes, request.mem) == (3, "1G")
    assert request.parameters == {"slurm_gres": "b", "slurm_exclude": "n1"}
    assert job_request(str(ROOT / PRESETS / "cpu.yaml"), {}, *beneath).mem == "32G"


def test_without_gpus_there_is_one_process_on_each_machine() -> None:
    assert JobRequest(nodes=3).num_tasks_per_node == 1
    assert JobRequest(gpus_per_node=4, tasks_per_node=2).num_tasks_per_node == 2


@pytest.mark.parametrize(("mem", "megabytes"), [("64G", 64 * 1024), ("512MB", 512), ("1 TiB", 1024**2), (None, None)])
def test_memory_has_a_unit(mem, megabytes) -> None:
    assert JobRequest(mem=mem).megabytes == megabytes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"node": 2}, "there is no such key of a job; there are cluster, nodes"),
        ({"nodes": "two"}, "--nodes: expected a number of at least 1, got 'two'"),
        ({"nodes": 0}, "--nodes: expected a number"),
        ({"mem": "64"}, "--mem: expected a size with its unit, such as 64G"),
        ({"time": "soon"}, "--time: expected minutes"),
        ({"cluster": "pbs"}, "--cluster: expected one of auto, slurm, local, debug"),
    ],
)
def test_mistakes_are_named(options, message) -> None:
    with pytest.raises(InputError, match=message):
        job_request(None, options)


def test_presets_that_are_none_are_named(tmp_path) -> None:
    with pytest.raises(InputError, match="no preset of that name"):
        read_preset("nowhere")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(InputError, match=r"list.yaml: not a YAML file"):
        read_preset(str(tmp_path / "list.yaml"))
    (tmp_path / "wrong.yaml").write_text("gpus: 8\n")
    with pytest.raises(InputError, match=r"wrong.yaml: gpus: there is no such key"):
        job_request(str(tmp_path / "wrong.yaml"), {})


@pytest.mark.parametrize("preset", sorted((ROOT / PRESETS).glob("*.yaml")), ids=lambda path: path.stem)
def test_the_presets_that_come_with_the_project_are_right(preset) -> None:
    check_parameters(job_request(str(preset), {}).parameters)


def test_unknown_parameters_of_submitit_are_answered_with_the_valid_ones() -> None:
    with pytest.raises(InputError, match=r"slurm_foo: submitit has no such parameter; there are .*slurm_exclude"):
        check_parameters({"slurm_foo": 1})
    check_parameters({"slurm_exclude": "n1", "slurm_additional_parameters": {"licenses": "matlab"}})
