"""config.toml: what it holds of a run, the run that it makes again, and what it may not hold."""

import argparse
import json
import os
import struct
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from xpnet.options import OneLineParser, add_options
from xpnet.presets import preset
from xpnet.run_config import arguments_of, config_text
from xpnet.train import main

NOT_OF_A_RUN = (
    *("help", "version", "list", "out", "config", "resume", "overwrite"),
    *("quiet", "profile", "download"),
)


def make_parser():
    parser = OneLineParser(prog="python -m xpnet.train", allow_abbrev=False)
    parser.add_argument("--version", action="version", version="1")
    parser.add_argument("--list", action="store_true")
    add_options(parser)
    return parser


def option_of(action):
    return action.option_strings[-1]


OPTIONS = {
    option_of(action): action
    for action in make_parser()._actions
    if option_of(action).lstrip("-") not in NOT_OF_A_RUN
}
TEXTS = {
    "--dataset": ["cifar10", "/data/my set, 'quoted' \"twice\" #1 = ü.npz"],
    "--data-dir": ["/data/CIFAR 10/ä"],
    "--preprocess": ["none", "standard+pca:0.95", "mean"],
    "--hidden-dims": ["7", "200,100,50"],
    "--schedule": ["cosine", "warmup:5+cosine:0.01", "step:10:0.1"],
    "--device": ["torch:cuda:1", "auto"],
    "--watch": ["auto", "100"],
}


def values_of(option):
    """Return texts that the option takes."""
    action = OPTIONS[option]
    if option in TEXTS:
        return TEXTS[option]
    if action.choices is not None:
        return list(action.choices)
    if action.nargs == 0:
        return [None]
    return {int: ["1", "12345", str(2**64 - 1)], float: ["0.1", "1e-08", "3", "1e+22"]}[action.type]


def given(option, value):
    return [option] if value is None else [f"{option}={value}"]


def through_a_file(parser, options, path, chosen=None):
    """Return the options that come back from a file which these were written to."""
    path.write_bytes(config_text(parser, options, chosen or {}).encode())
    return parser.parse_args(arguments_of(path, parser))


@pytest.fixture(scope="module")
def parser():
    return make_parser()


@pytest.fixture
def write(tmp_path):
    """Write a config and return its path."""

    def call(content):
        path = tmp_path / "my config.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return call


@pytest.fixture
def no_pictures(monkeypatch):
    """Leave the pictures out, which take half a second."""
    monkeypatch.setattr("xpnet.run_folder.find_spec", lambda name: None)


def refusal(capsys, path, *others):
    """Return the line that refuses a config, without what all of them begin with."""
    try:
        status = main(["--config", str(path), *others])
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith("xpnet.train: error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    return err.removeprefix("xpnet.train: error: ")[:-1]


# There and back


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option in OPTIONS for value in values_of(option)]
)
def test_each_option_comes_back(option, value, parser, tmp_path):
    options = parser.parse_args(given(option, value))
    assert through_a_file(parser, options, tmp_path / "c.toml") == options


def test_all_options_come_back_together(parser, tmp_path):
    arguments = [word for name in OPTIONS for word in given(name, values_of(name)[-1])]
    options = parser.parse_args(arguments)
    assert through_a_file(parser, options, tmp_path / "c.toml") == options


def test_no_options_come_back_as_none(parser, tmp_path):
    options = parser.parse_args([])
    assert through_a_file(parser, options, tmp_path / "c.toml") == options


def test_what_is_no_part_of_a_run_is_not_written(parser, tmp_path):
    words = ["--out=o", "--config=c", "--resume=r", "--overwrite", "--quiet", "--download"]
    options = parser.parse_args([*words, "--profile=7", "--list"])
    found = tomllib.loads(config_text(parser, options, {}))
    assert found == tomllib.loads(config_text(parser, parser.parse_args([]), {}))
    assert not set(found) & set(NOT_OF_A_RUN)


@pytest.mark.parametrize(
    "value",
    [
        *(0.1, 1 / 3, 2 / 3, 1e-8, 1e22, 123456789.123456789, -0.0, 1.0, 5e-324, float("inf")),
        *(sys.float_info.max, sys.float_info.min, sys.float_info.epsilon),
    ],
)
def test_floats_come_back_bit_for_bit(value, parser, tmp_path):
    options = parser.parse_args([])
    found = through_a_file(parser, options, tmp_path / "c.toml", {"learning_rate": value})
    assert struct.pack("<d", found.learning_rate) == struct.pack("<d", value)


def test_any_floats_come_back_bit_for_bit(parser, tmp_path):
    bits = np.random.default_rng(0).integers(2**63, size=300, dtype=np.uint64)
    values = [x for x in bits.view(np.float64).tolist() if np.isfinite(x)]
    assert len(values) > 250
    names = ["reg", "lr_decay", "clip_norm", "beta1", "beta2", "epsilon", "momentum"]
    for start in range(0, len(values) - len(names), len(names)):
        chosen = dict(zip(names, values[start:], strict=False))
        found = through_a_file(parser, parser.parse_args([]), tmp_path / "c.toml", chosen)
        assert [getattr(found, name) for name in names] == list(chosen.values())


def test_what_was_chosen_stands_in_place_of_what_was_not_given(parser):
    chosen = {"learning_rate": 0.25, "hidden_dims": [7, 5], "patience": None, "loss": "svm"}
    text = config_text(parser, parser.parse_args(["--seed=3"]), chosen)
    found = tomllib.loads(text)
    assert found["learning-rate"] == 0.25
    assert found["hidden-dims"] == "7,5"
    assert found["loss"] == "svm"
    assert found["seed"] == 3
    assert type(found["seed"]) is int
    assert "early-stopping" not in found


def test_the_first_line_says_what_it_is_for(parser):
    head = config_text(parser, parser.parse_args([]), {}).splitlines()[0]
    assert head.startswith("# xpnet ")
    assert head.endswith(": python -m xpnet.train --config FILE makes this run again")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("hidden-dims = [200, 100]", "hidden_dims", [200, 100]),
        ("hidden-dims = 7", "hidden_dims", [7]),
        ("hidden-dims = '7,5'", "hidden_dims", [7, 5]),
        ("learning-rate = 1", "learning_rate", 1.0),
        ("learning-rate = '0.5'", "learning_rate", 0.5),
        ("seed = 1_000", "seed", 1000),
        ("seed = 0xff", "seed", 255),
        ("compile = true", "compile", True),
        ("compile = false", "compile", False),
        ("dataset = '-a=b, c.npz'", "dataset", "-a=b, c.npz"),
        ("dataset = ''", "dataset", ""),
    ],
)
def test_what_a_person_may_write(text, name, value, parser, write):
    assert getattr(parser.parse_args(arguments_of(write(text), parser)), name) == value


# Whole runs

CHOSEN = [
    *("--num-epochs=3", "--hidden-dims=9,7", "--activation=tanh", "--normalization=batchnorm"),
    *("--dropout-keep-ratio=0.9", "--preprocess=standard", "--schedule=warmup:1+cosine:0.1"),
    *("--update-rule=adamw", "--weight-decay=0.1", "--learning-rate=0.0123", "--grad-clip=1"),
    *("--class-weights=balanced", "--label-smoothing=0.1", "--sampling=replacement", "--seed=3"),
    *("--early-stopping=2", "--initializer=gaussian", "--weight-scale=0.07", "--batch-size=64"),
]


@pytest.mark.parametrize("given", [["--num-epochs=2"], CHOSEN], ids=["defaults", "chosen"])
@pytest.mark.usefixtures("no_pictures")
def test_the_same_run_again(given, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert main([*given, "--out", str(first), "--quiet"]) == 0
    assert main(["--config", str(first / "config.toml"), "--out", str(second), "--quiet"]) == 0
    for name in ("history.csv", "config.toml"):
        assert (second / name).read_bytes() == (first / name).read_bytes()
    nets = [load_file(folder / "best.safetensors") for folder in (first, second)]
    assert {name: x.tobytes() for name, x in nets[0].items()} == {
        name: x.tobytes() for name, x in nets[1].items()
    }


@pytest.mark.parametrize("given", [["--num-epochs=1"], CHOSEN], ids=["defaults", "chosen"])
@pytest.mark.usefixtures("no_pictures")
def test_every_hyperparameter_is_in_the_file(given, tmp_path):
    """So that another xpnet, with other defaults, makes the run again."""
    assert main([*given, "--out", str(tmp_path / "run"), "--quiet"]) == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    config = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    by_name = {action.dest: name.lstrip("-") for name, action in OPTIONS.items()}
    hyperparameters = summary["hyperparameters"]
    assert len(hyperparameters) > 20
    for name, value in hyperparameters.items():
        found = config.get(by_name[name])
        expected = ",".join(map(str, value)) if isinstance(value, list) else value
        assert found == expected, name


@pytest.mark.parametrize("config_first", [True, False])
@pytest.mark.usefixtures("no_pictures")
def test_the_command_line_goes_before_the_file(config_first, write, tmp_path):
    words = ["--config", str(write("num-epochs = 2\nseed = 5\nhidden-dims = 8\n"))]
    own = ["--num-epochs", "1", "--hidden-dim=4,3"]
    words = [*words, *own] if config_first else [*own, *words]
    assert main([*words, "--out", str(tmp_path / "run"), "--quiet"]) == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    found = [summary["hyperparameters"][name] for name in ("num_epochs", "seed", "hidden_dims")]
    assert found == [1, 5, [4, 3]]
    assert "num-epochs = 1\n" in (tmp_path / "run" / "config.toml").read_text()


# What an option of the command line takes with it


@pytest.fixture
def config_of(write, tmp_path):
    """Train on a file and options; return the config.toml of that run."""

    def call(text, *words):
        words = ["--config", str(write(text)), *words, "--out", str(tmp_path / "run"), "--quiet"]
        assert main(words) == 0
        return tomllib.loads((tmp_path / "run" / "config.toml").read_text(encoding="utf-8"))

    return call


ADAMW = (
    "num-epochs = 1\nupdate-rule = 'adamw'\nlearning-rate = 0.0123\nbeta1 = 0.8\nbeta2 = 0.9\n"
    "epsilon = 1e-5\nweight-decay = 0.1\nlr-decay = 0.5\nreg = 0.25\n"
)


@pytest.mark.parametrize("rule", [["--update-rule", "sgd"], ["--update-rule=sgd"]])
@pytest.mark.usefixtures("no_pictures")
def test_another_rule_has_a_learning_rate_and_options_of_its_own(rule, config_of):
    found = config_of(ADAMW, *rule)
    assert found["update-rule"] == "sgd"
    assert found["learning-rate"] == preset("digits", "sgd")["learning_rate"] != 0.0123
    assert not {"beta1", "beta2", "epsilon", "weight-decay", "momentum"} & set(found)
    assert (found["lr-decay"], found["reg"], found["num-epochs"]) == (0.5, 0.25, 1)


@pytest.mark.usefixtures("no_pictures")
def test_what_is_given_with_another_rule_is_taken(config_of):
    words = ["--momentum=0.7", "--update-rule=sgd_momentum", "--learning-rate=0.5"]
    found = config_of(ADAMW, *words)
    assert (found["learning-rate"], found["momentum"]) == (0.5, 0.7)
    assert "beta1" not in found


@pytest.mark.usefixtures("no_pictures")
def test_options_of_the_rule_that_the_file_has_replace_its_own_one_by_one(config_of):
    found = config_of(ADAMW, "--beta1=0.7")
    names = ("update-rule", "learning-rate", "beta1", "beta2", "weight-decay")
    assert [found[name] for name in names] == ["adamw", 0.0123, 0.7, 0.9, 0.1]


@pytest.mark.usefixtures("no_pictures")
def test_another_initializer_has_no_weight_scale(config_of):
    text = f"{ADAMW}initializer = 'gaussian'\nweight-scale = 0.07\n"
    found = config_of(text, "--initializer=xavier")
    assert found["initializer"] == "xavier"
    assert "weight-scale" not in found
    assert (found["learning-rate"], found["beta1"]) == (0.0123, 0.8)


@pytest.mark.usefixtures("no_pictures")
def test_another_data_set_lies_elsewhere(config_of):
    text = "dataset = 'cifar10'\ndata-dir = '/nowhere'\nnum-epochs = 1\nhidden-dims = 7\n"
    found = config_of(text, "--dataset", "digits")
    assert (found["dataset"], found["hidden-dims"]) == ("digits", "7")
    assert "data-dir" not in found


def test_a_folder_given_with_another_data_set_is_taken(write, tmp_path, capsys):
    path = write("dataset = 'digits'\ndata-dir = '/nowhere'\n")
    words = ["--dataset=cifar10", f"--data-dir={tmp_path / 'elsewhere'}"]
    assert f"{tmp_path / 'elsewhere'}{os.sep}cifar-10-batches-py is not there" in refusal(
        capsys, path, *words
    )


@pytest.mark.parametrize(
    ("text", "words", "sentence"),
    [
        (
            "weight-scale = 0.07\n",
            ["--initializer=xavier", "--weight-scale=0.1"],
            "--weight-scale 0.1 has no meaning for xavier, which has a scale of its own: leave it "
            "out or choose --initializer gaussian",
        ),
        (
            ADAMW,
            ["--update-rule=sgd", "--beta1=0.9"],
            "--beta1 0.9 has no meaning for sgd, which has learning_rate: leave it out or choose "
            "another --update-rule",
        ),
        (
            "data-dir = '/nowhere'\n",
            ["--dataset=digits", "--data-dir=/x"],
            "--data-dir is for --dataset cifar10, but --dataset is digits: leave it out",
        ),
    ],
)
def test_what_does_not_fit_on_the_command_line_is_refused_still(
    text, words, sentence, write, capsys
):
    assert refusal(capsys, write(text), *words) == sentence


def test_an_empty_file_leaves_the_defaults(write, capsys):
    assert main(["--config", str(write("")), "--num-epochs=1"]) == 0
    assert "net: 64-100-10" in capsys.readouterr().out


# Where a file lies


@pytest.fixture
def dataset(tmp_path):
    """A data set in a folder of its own, whose names are not ASCII."""
    folder = tmp_path / "Zahlen für \"uns\" & 'euch'"
    folder.mkdir()
    rng = np.random.default_rng(0)
    np.savez(folder / "größe #1\n.npz", X=rng.standard_normal((60, 4)), y=np.arange(60) % 3)
    return folder / "größe #1\n.npz"


@pytest.mark.usefixtures("no_pictures")
def test_a_data_set_is_found_from_another_folder(dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(dataset.parent)
    assert main(["--dataset", dataset.name, "--num-epochs=2", "--out", "run", "--quiet"]) == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    config = (dataset.parent / "run" / "config.toml").rename(elsewhere / "c.toml")
    assert tomllib.loads(config.read_text(encoding="utf-8"))["dataset"] == str(dataset)
    monkeypatch.chdir(elsewhere)
    assert main(["--config", "c.toml", "--out", "again", "--quiet"]) == 0
    first, second = dataset.parent / "run" / "history.csv", elsewhere / "again" / "history.csv"
    assert second.read_bytes() == first.read_bytes()


@pytest.mark.parametrize("name", ["digits", "cifar10"])
def test_the_name_of_a_data_set_is_no_path(name, parser):
    text = config_text(parser, parser.parse_args(["--dataset", name]), {})
    assert tomllib.loads(text)["dataset"] == name


def test_the_folder_of_cifar10_is_absolute(parser, tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    options = parser.parse_args(["--dataset=cifar10", "--data-dir=../Bilder ä"])
    found = tomllib.loads(config_text(parser, options, {}))
    assert found["data-dir"] == os.path.join(tmp_path, "Bilder ä")


def test_the_folder_of_cifar10_reaches_the_run(write, tmp_path, capsys):
    path = write(f"dataset = 'cifar10'\ndata-dir = '{(tmp_path / 'nowhere').as_posix()}'\n")
    assert "nowhere/cifar-10-batches-py is not there" in refusal(capsys, path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_unicode_ends_in_one_line(dataset, tmp_path, capsys):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.npz")
    os.rename(dataset, path)
    words = ["--dataset", path, "--num-epochs=1", "--quiet", "--out", str(tmp_path / "run")]
    assert main(words) == 2
    assert capsys.readouterr().err == (
        f"xpnet.train: error: --dataset {path!r} is no Unicode text, as config.toml asks for: "
        "rename it\n"
    )
    assert main(words[:-2]) == 0, "without --out there is no config.toml"


# What is refused


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("learning-rat", " (did you mean learning-rate?)"),
        ("hidden_dims", " (did you mean hidden-dims?)"),
        ("hidden-dim", " (did you mean hidden-dims?)"),
        ("Seed", " (did you mean seed?)"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(name, hint, write, capsys):
    path = write(f"seed = 1\n'{name}' = 1\n")
    assert refusal(capsys, path) == f"{path}: {name!r} is no option of a run{hint}"


@pytest.mark.parametrize("name", NOT_OF_A_RUN)
def test_what_is_no_part_of_a_run_is_refused(name, write, tmp_path, capsys):
    path = write(f"{name} = '{(tmp_path / 'made').as_posix()}'\n")
    assert refusal(capsys, path).startswith(f"{path}: {name!r} is no option of a run")
    assert not (tmp_path / "made").exists()


def test_a_section_is_refused(write, capsys):
    path = write("[training]\nseed = 1\n")
    assert refusal(capsys, path) == f"{path}: 'training' is no option of a run"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "seed = {a = 1}",
            "seed must be a text, a number of 64 bits, or a list of them; got {'a': 1}",
        ),
        ("[seed]", "seed must be a text, a number of 64 bits, or a list of them; got {}"),
        (
            "hidden-dims = [[1], [2]]",
            "hidden-dims must be a text, a number of 64 bits, or a list of them; got [[1], [2]]",
        ),
        (
            "hidden-dims = []",
            "hidden-dims must be a text, a number of 64 bits, or a list of them; got []",
        ),
        (
            "hidden-dims = [1, true]",
            "hidden-dims must be a text, a number of 64 bits, or a list of them; got [1, True]",
        ),
        ("compile = 'yes'", "compile must be true or false; got 'yes'"),
        ("compile = 1", "compile must be true or false; got 1"),
        ("compile = [true]", "compile must be true or false; got [True]"),
    ],
)
def test_values_of_a_wrong_kind_are_refused(text, sentence, write, capsys):
    path = write(text)
    assert refusal(capsys, path) == f"{path}: {sentence}"


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("seed = true", "seed must be a"),
        ("seed = 2020-01-01", "seed must be a text, a number of 64 bits, or a list of them; got "),
        (
            "seed = 2020-01-01T00:00:00Z",
            "seed must be a text, a number of 64 bits, or a list of them; got ",
        ),
        ("seed = 00:00:01", "seed must be a text, a number of 64 bits, or a list of them; got "),
        ("dataset = false", "dataset must be a"),
    ],
)
def test_truths_and_dates_are_no_values(text, start, write, capsys):
    path = write(text)
    assert refusal(capsys, path).startswith(f"{path}: {start}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed = 1.5", "argument --seed: invalid int value: '1.5'"),
        ("seed = 'one'", "argument --seed: invalid int value: 'one'"),
        ("learning-rate = [1, 2]", "argument --learning-rate: invalid float value: '1,2'"),
        ("activation = 'rel'", "argument --activation: invalid choice: 'rel'"),
        ("schedule = 'stair:3'", "argument --schedule: "),
        ("preprocess = 'meen'", "argument --preprocess: "),
        (
            "hidden-dims = [5.0]",
            "argument --hidden-dim/--hidden-dims: expected units of each hidden layer, such as 100 "
            "or 200,100; got '5.0'",
        ),
    ],
)
def test_a_bad_value_is_said_to_be_in_the_file(text, sentence, write, capsys):
    path = write(text)
    line = refusal(capsys, path)
    assert line.startswith(f"{path}: {sentence}")
    assert line.endswith("; --help has all options")


def test_a_bad_value_on_the_command_line_is_not_said_to_be_in_the_file(write, capsys):
    line = refusal(capsys, write("seed = 1"), "--num-epochs=x")
    assert line.startswith("argument --num-epochs: invalid int value: 'x'")


def test_a_bad_value_in_the_file_is_refused_also_where_it_is_overruled(write, capsys):
    path = write("seed = 'one'")
    assert refusal(capsys, path, "--seed=1").startswith(f"{path}: argument --seed: ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("hello", "Expected '=' after a key in a key/value pair (at end of document)"),
        ("seed = 1\nseed = 2\n", "Cannot overwrite a value"),
        ("seed = ", "Invalid value (at end of document)"),
        ("seed = 1 2", "Expected newline or end of document after a statement"),
        ("seed: 1", "Expected '=' after a key"),
        (b"dataset = '\xe9.npz'", "'utf-8' codec can't decode byte 0xe9"),
        (bytes(range(256)), ""),
        (b"\0" * 100, ""),
        ("seed = " + "[" * 100_000, ""),
        ("seed = " + "{a=" * 100_000, ""),
        ("seed = " + "9" * 5000, ""),
    ],
    ids=range(11),
)
def test_what_is_no_toml_is_refused(content, reason, write, capsys):
    path = write(content)
    assert refusal(capsys, path).startswith(f"{path} is no TOML file ({reason}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "seed." + ".".join("a" * 2000) + " = 1",
            "{'a': {'a': {'a': {'a': {'a': {'a': {...}}}}}}}",
        ),
        ("hidden-dims = [" + "[1]," * 1000 + "]", "[[1], [1], [1], [1], [1], [1], ...]"),
    ],
    ids=["deep", "many"],
)
def test_values_that_are_deep_or_long_are_refused_in_a_short_line(text, shown, write, capsys):
    name = text.partition(" ")[0].partition(".")[0]
    path = write(text)
    assert refusal(capsys, path) == (
        f"{path}: {name} must be a text, a number of 64 bits, or a list of them; got {shown}"
    )


@pytest.mark.parametrize("digits", [17, 5000])
def test_integers_of_more_than_64_bits_are_refused(digits, write, capsys):
    """Of those with more than 4,300 digits Python itself makes no text."""
    path = write("seed = 0x1" + "0" * (digits - 1))
    line = refusal(capsys, path)
    assert line.startswith(f"{path}: seed must be ")
    assert len(line) < len(str(path)) + 100


def test_a_deep_value_is_refused(write, capsys):
    path = write("seed = " + "[" * 50 + "1" + "]" * 50)
    assert refusal(capsys, path).startswith(
        f"{path}: seed must be a text, a number of 64 bits, or a list"
    )


def test_a_file_of_a_mebibyte_is_read(write):
    path = write(b"#" * 2**20)
    assert arguments_of(path, make_parser()) == []


def test_a_larger_file_is_refused(write, capsys):
    path = write(b"#" * (2**20 + 1))
    assert refusal(capsys, path) == (
        f"{path} is larger than 1,048,576 bytes: it is no config of a run"
    )


def test_a_file_that_is_not_there_is_refused(tmp_path, capsys):
    path = tmp_path / "nowhere.toml"
    assert refusal(capsys, path) == f"{path} is not there: give the config.toml of a run"


def test_a_folder_is_refused(tmp_path, capsys):
    assert refusal(capsys, tmp_path) == f"{tmp_path} is no file: give the config.toml of a run"


def test_a_file_that_may_not_be_read_is_refused(write, capsys, monkeypatch):
    path = write("seed = 1")

    def refused(*_given, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    assert refusal(capsys, path) == f"cannot open {path} (Permission denied)"


def test_a_refused_file_leaves_no_folder_behind(write, tmp_path, capsys):
    refusal(capsys, write("seed = 'one'"), "--out", str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_every_option_is_either_of_a_run_or_not():
    """A new option has to be put on one side, and has values here."""
    names = {option_of(action).lstrip("-") for action in make_parser()._actions}
    assert names == {name.lstrip("-") for name in OPTIONS} | set(NOT_OF_A_RUN)
    assert all(
        isinstance(action, argparse.Action) and values_of(o) for o, action in OPTIONS.items()
    )
