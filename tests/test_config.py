"""The configuration: what it takes, and what it says about what it does not take."""

import pytest
from http_server import serving
from published_checkpoint import NAME, OPTIONS, publish_checkpoint

from iic_ptv.config import RANGES, default_config, load_config, parse_config
from iic_ptv.errors import InputError


def write(path, text):
    path.write_text(text)
    return path


def test_defaults_are_the_recipe_of_the_paper() -> None:
    cfg = load_config()
    assert (cfg.MODEL.BACKBONE, cfg.VIEWS, cfg.INTRA_NEGATIVE) == ("r3d", ["rgb", "residual"], "repeat")
    assert (cfg.LOSS.NUM_NEGATIVES, cfg.LOSS.TEMPERATURE, cfg.LOSS.MOMENTUM) == (1024, 0.07, 0.5)
    assert (cfg.OPTIM.EPOCHS, cfg.OPTIM.LR, cfg.OPTIM.MILESTONES) == (240, 0.01, [45, 90, 125, 160])
    assert (cfg.DATA.CLIP_LENGTH, cfg.DATA.FRAME_SIZE, cfg.DATA.CROP) == (16, [128, 171], 112)


def test_file_then_overrides(tmp_path) -> None:
    file = write(tmp_path / "run.yaml", "OPTIM: {EPOCHS: 3, LR: 0.5}\nSEED: 7\n")
    cfg = load_config(file, ["OPTIM.EPOCHS", "9", "VIEWS", "[rgb, flow_u]", "MODEL.OPTIONS.width", "0.25"])
    assert (cfg.OPTIM.EPOCHS, cfg.OPTIM.LR, cfg.SEED) == (9, 0.5, 7)
    assert cfg.VIEWS == ["rgb", "flow_u"]
    assert dict(cfg.MODEL.OPTIONS) == {"width": 0.25}


def test_numbers_in_files_may_have_exponents(tmp_path) -> None:
    assert load_config(write(tmp_path / "run.yaml", "OPTIM: {LR: 1e-4}\n")).OPTIM.LR == 1e-4


def test_every_limited_option_exists_and_has_a_default_within_its_limits() -> None:
    for key, (lowest, highest) in RANGES.items():
        value = default_config()
        for name in key.split("."):
            value = value[name]
        assert all(lowest <= number <= highest for number in (value if isinstance(value, list) else [value]))


def test_base_files(tmp_path) -> None:
    write(tmp_path / "base.yaml", "OPTIM: {EPOCHS: 3, LR: 0.5}\n")
    cfg = load_config(write(tmp_path / "run.yaml", "_BASE_: base.yaml\nOPTIM: {LR: 0.25}\n"))
    assert (cfg.OPTIM.EPOCHS, cfg.OPTIM.LR) == (3, 0.25)


def test_configurations_and_their_bases_may_be_on_the_web(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    files = {"/a/run.yaml": b"_BASE_: ../base.yaml\nOPTIM: {LR: 0.25}\n", "/base.yaml": b"OPTIM: {EPOCHS: 3, LR: 0.5}"}
    with serving({**files, "/a/../base.yaml": files["/base.yaml"]}) as server:
        cfg = load_config(server.url("/a/run.yaml"))
        assert (cfg.OPTIM.EPOCHS, cfg.OPTIM.LR) == (3, 0.25)
        local = write(tmp_path / "run.yaml", f"_BASE_: [{server.url('/base.yaml')}]\nOPTIM: {{EPOCHS: 7}}\n")
        assert (load_config(local).OPTIM.EPOCHS, load_config(local).OPTIM.LR) == (7, 0.5)
        missing = write(tmp_path / "missing.yaml", f"_BASE_: {server.url('/none.yaml')}\n")
        with pytest.raises(InputError, match=r"none.yaml: the server answers 404"):
            load_config(missing)


def test_configurations_and_their_bases_may_be_of_the_zoo(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("iic_ptv.zoo.catalogue.PACKAGE", tmp_path / "package")
    publish_checkpoint(tmp_path / "package" / "model_zoo")
    for name in (f"iic://{NAME}", f"iic://{NAME}/", f"iic://{NAME}/config.yaml"):
        assert load_config(name, ["OPTIM.EPOCHS", "9"]).SEED == 11
        cfg = load_config(write(tmp_path / "run.yaml", f"_BASE_: {name}\nOPTIM: {{EPOCHS: 9}}\n"))
        assert (cfg.SEED, cfg.OPTIM.EPOCHS, dict(cfg.MODEL.OPTIONS)) == (11, 9, OPTIONS)
    with pytest.raises(InputError, match=r"no checkpoint 'r3d.none'"):
        load_config("iic://r3d.none")


def test_a_file_that_is_its_own_base_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match=r"run.yaml: it is its own _BASE_"):
        load_config(write(tmp_path / "run.yaml", "_BASE_: run.yaml\n"))


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("OPTIM.LR", "1", 1.0),
        ("OPTIM.LR", "1e-3", 0.001),
        ("DATA.LISTS", "a.txt", ["a.txt"]),
        ("DATA.ROOT", "some/folder", "some/folder"),
        ("TRAINER.DEVICES", "2", "2"),
        ("LOSS.NORMALIZE", "False", False),
        ("NAME", "12", "12"),
        ("DATA.ROOT", "2024_01", "2024_01"),
        ("DATA.ROOT", "12:30:00", "12:30:00"),
        ("DATA.ROOT", "on", "on"),
        ("OUTPUT", "a: b", "a: b"),
        ("MODEL.HEAD", "[512, 128]", [512, 128]),
    ],
)
def test_values_take_the_type_of_the_default(key, text, value) -> None:
    cfg = load_config(None, [key, text])
    for name in key.split("."):
        cfg = cfg[name]
    assert cfg == value
    assert type(cfg) is type(value)


def test_round_trip_through_yaml() -> None:
    cfg = load_config(None, ["MODEL.OPTIONS.width", "0.5", "OPTIM.LR", "0.125"])
    assert parse_config(cfg.dump(), "checkpoint") == cfg


def test_a_base_configuration_is_changed_in_a_copy() -> None:
    base = load_config(None, ["SEED", "5"])
    assert load_config(None, ["OPTIM.EPOCHS", "1"], base=base).SEED == 5
    assert base.OPTIM.EPOCHS == default_config().OPTIM.EPOCHS


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["OPTIM.EPOCH", "3"], r"no option OPTIM.EPOCH\. Did you mean OPTIM.EPOCHS"),
        (["LEARNING_RATE", "3"], "no option LEARNING_RATE"),
        (["EPOCHS", "3"], "Did you mean OPTIM.EPOCHS"),
        (["optim.epochs", "3"], "Did you mean OPTIM.EPOCHS"),
        (["OPTIM.EPOCHS", "many"], "OPTIM.EPOCHS must be of type int, like 240; got 'many'"),
        (["OPTIM.EPOCHS", "1.5"], "must be of type int"),
        (["LOSS.NORMALIZE", "1"], "must be of type bool"),
        (["OPTIM", "3"], "OPTIM is a group of options"),
        (["OPTIM.EPOCHS"], "'OPTIM.EPOCHS' has no value"),
        (["OPTIM.EPOCHS.MORE", "1"], "OPTIM.EPOCHS"),
        (["OPTIM.EPOCHS", "0"], "OPTIM.EPOCHS must be 1 or more; got 0"),
        (["OPTIM.BATCH_SIZE", "0"], "OPTIM.BATCH_SIZE must be 1 or more"),
        (["LOSS.TEMPERATURE", "0"], "LOSS.TEMPERATURE must be 0.001 or more"),
        (["LOSS.MOMENTUM", "1.5"], "LOSS.MOMENTUM must be from 0 to 1"),
        (["SEED", "-1"], "SEED must be from 0 to 4294967295"),
        (["DATA.FRAME_SIZE", "[16]"], "DATA.FRAME_SIZE must have 2 entries"),
        (["DATA.FRAME_SIZE", "[16, 0]"], r"DATA.FRAME_SIZE must be 1 or more; got \[16, 0\]"),
        (["DATA.FRAME_SIZE", "[a, b]"], "DATA.FRAME_SIZE must be a list of type int"),
        (["MODEL.HEAD", "[8]"], "MODEL.HEAD must have 2 entries"),
        (["VIEWS", "[1, 2]"], "VIEWS must be a list of type str"),
    ],
)
def test_mistakes_are_named(overrides, message) -> None:
    with pytest.raises(InputError, match=message):
        load_config(None, overrides)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("OPTIMS: {LR: 1}", "run.yaml: there is no option OPTIMS"),
        ("OPTIM: {LR: ", "run.yaml: not a YAML file"),
        ("- a\n- b\n", "run.yaml"),
        ("# nothing but a comment\n", "run.yaml"),
        ("_BASE_: missing.yaml\n", "run.yaml"),
    ],
)
def test_files_with_mistakes_are_named(tmp_path, text, message) -> None:
    with pytest.raises(InputError, match=message):
        load_config(write(tmp_path / "run.yaml", text))


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match="no such configuration file"):
        load_config(tmp_path / "none.yaml")
