"""The command line's options: their defaults, what --help says of them, and rules' own ones."""

import argparse
import re

import pytest

from xpnet.backends import DEVICE_CHOICES
from xpnet.errors import InputError
from xpnet.hyperparameters import hyperparameters, optim_config, worth_saying
from xpnet.initializers import INITIALIZERS
from xpnet.optim import RULES
from xpnet.options import add_options
from xpnet.preprocessing import PREPROCESSORS
from xpnet.presets import COMMON, EXTRAS, OWN_DATA, PRESETS, preset

GROUPS = ("data", "net", "training", "machine", "output")
SWITCHES = ("--download", "--quiet", "--compile", "--overwrite")
# Nothing is written; XPNET_DATA_DIR, then the cache; a new run; no file.
WITHOUT_DEFAULT = ("--out", "--data-dir", "--resume", "--config")


@pytest.fixture
def parser():
    made = argparse.ArgumentParser(prog="train", allow_abbrev=False)
    add_options(made)
    return made


# What the command line calls otherwise than the Solver does.
NAMES = {
    "--schedule": "lr_schedule",
    "--early-stopping": "patience",
    "--grad-clip": "clip_norm",
}


@pytest.fixture
def parse(parser):
    return lambda *given: parser.parse_args(given)


def actions(parser):
    """Return every option but -h, by its text."""
    return {a.option_strings[-1]: a for a in parser._actions if a.dest != "help"}


def flat(text):
    """Return a text without its line ends; argparse breaks lines at hyphens too."""
    return " ".join(re.sub(r"-\n\s*", "-", text).split())


def test_help_has_every_group_and_option(parser):
    text = parser.format_help()
    for group in GROUPS:
        assert f"\n{group}:\n" in text
    for option, action in actions(parser).items():
        assert f"\n  {action.option_strings[0]}" in text, option
        assert action.help, option


def test_every_option_stands_in_a_group_of_ours(parser):
    grouped = {
        a.option_strings[-1]
        for group in parser._action_groups
        if group.title in GROUPS
        for a in group._group_actions
    }
    assert grouped == set(actions(parser))


def test_help_says_every_default(parser):
    for option, action in actions(parser).items():
        if option not in (*SWITCHES, *WITHOUT_DEFAULT):
            assert "(default: " in action.help, option


def test_help_says_the_default_that_the_parser_has(parser):
    for option, action in actions(parser).items():
        if action.default not in (None, False):
            assert action.help.endswith(f"(default: {action.default})"), option


@pytest.mark.parametrize("name", list(OWN_DATA))
def test_help_says_the_default_of_each_data_set(parser, name):
    text = actions(parser)[f"--{name.replace('_', '-')}"].help
    for said, dataset in {**{known: known for known in PRESETS}, "your own": "mine.npz"}.items():
        value = preset(dataset)[name]
        assert f"{said} {value[0] if name == 'hidden_dims' else value}" in text


@pytest.mark.parametrize("name", list(COMMON))
def test_help_says_the_default_that_all_share(parser, name):
    assert actions(parser)[f"--{name.replace('_', '-')}"].help.endswith(
        f"(default: {COMMON[name]})"
    )


@pytest.mark.parametrize("rule", list(RULES))
def test_every_hyperparameter_of_a_rule_is_an_option_with_its_default(parser, rule):
    for name, default in RULES[rule].defaults.items():
        text = actions(parser)[f"--{name.replace('_', '-')}"].help
        if name != "learning_rate":  # that one is the data set's
            assert text.endswith(f"(default: {default})")
            assert rule in text


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        ("--update-rule", list(RULES)),
        ("--initializer", list(INITIALIZERS)),
        ("--dtype", ["float32", "float64", "float16", "bfloat16"]),
        ("--sampling", ["shuffle", "replacement"]),
    ],
)
def test_choices_are_the_librarys(parser, option, choices):
    assert actions(parser)[option].choices == choices


def test_help_lists_every_preprocessing(parser):
    text = flat(parser.format_help())
    for kind in PREPROCESSORS.values():
        assert kind.form in text
    assert "none, mean, " in text


def test_help_lists_every_device(parser):
    text = flat(parser.format_help())
    for choice in DEVICE_CHOICES:
        assert choice in text


@pytest.mark.parametrize("dataset", [*PRESETS, "own.npz"])
def test_nothing_given_is_the_data_sets_preset(parse, dataset):
    chosen = hyperparameters(parse("--dataset", dataset), 1000)
    known = preset(dataset)
    if known["initializer"] != "gaussian":
        del known["weight_scale"]  # the others have a scale of their own
    assert {name: chosen[name] for name in known} == known
    assert chosen["batch_size"] == 100
    assert (chosen["seed"], chosen["dtype"]) == (0, "float32")
    assert (chosen["sampling"], chosen["preprocess"]) == ("shuffle", "mean")


def test_presets_name_the_same_hyperparameters():
    for known in PRESETS.values():
        assert set(known) == set(OWN_DATA)
        assert not set(known) & set(COMMON)


def test_presets_name_what_there_is():
    for known in (*PRESETS.values(), OWN_DATA):
        assert known["update_rule"] in RULES
        assert known["initializer"] in INITIALIZERS


@pytest.mark.parametrize("dataset", [*PRESETS, "own.npz"])
@pytest.mark.parametrize("rule", list(RULES))
def test_the_learning_rate_is_the_rules(parse, dataset, rule):
    known = PRESETS.get(dataset, OWN_DATA)["learning_rate"]
    assert set(known) == set(RULES)
    chosen = hyperparameters(parse("--dataset", dataset, "--update-rule", rule), 1000)
    assert chosen["learning_rate"] == known[rule] > 0
    assert chosen["update_rule"] == rule


def test_a_learning_rate_that_is_given_wins_for_every_rule(parse):
    for rule in RULES:
        chosen = hyperparameters(parse("--update-rule", rule, "--learning-rate", "0.125"), 1000)
        assert chosen["learning_rate"] == 0.125


def test_preset_hands_out_copies():
    preset("digits")["reg"] = 99
    assert preset("digits")["reg"] != 99


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--hidden-dims", "7", [7]),
        ("--hidden-dims", "7,5", [7, 5]),
        ("--activation", "tanh", "tanh"),
        ("--normalization", "batchnorm", "batchnorm"),
        ("--normalization", "layernorm", "layernorm"),
        ("--dropout-keep-ratio", "0.5", 0.5),
        ("--loss", "svm", "svm"),
        ("--schedule", "warmup:5+cosine", "warmup:5+cosine"),
        ("--early-stopping", "4", 4),
        ("--grad-clip", "2", 2.0),
        ("--class-weights", "balanced", "balanced"),
        ("--label-smoothing", "0.1", 0.1),
        ("--initializer", "zeros", "zeros"),
        ("--reg", "0", 0.0),
        ("--dtype", "float64", "float64"),
        ("--update-rule", "sgd", "sgd"),
        ("--learning-rate", "1e-5", 1e-5),
        ("--lr-decay", "1", 1.0),
        ("--num-epochs", "3", 3),
        ("--batch-size", "17", 17),
        ("--sampling", "replacement", "replacement"),
        ("--seed", "12", 12),
        ("--preprocess", "none", "none"),
        ("--beta1", "0.5", 0.5),
        ("--beta2", "0", 0.0),
        ("--epsilon", "1e-4", 1e-4),
    ],
)
def test_what_is_given_wins(parse, option, value, expected):
    """0 too, which is not "nothing given"."""
    chosen = hyperparameters(parse(option, value), 1000)
    got = chosen[NAMES.get(option, option[2:].replace("-", "_"))]
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize("rule", list(RULES))
def test_a_rule_gets_its_own_hyperparameters_alone(parse, rule):
    options = parse("--update-rule", rule, "--learning-rate", "0.5")
    config = optim_config(options, hyperparameters(options, 1000))
    assert config == {**RULES[rule].defaults, "learning_rate": 0.5}


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize(
    "name", ["momentum", "decay_rate", "beta1", "beta2", "epsilon", "weight_decay"]
)
def test_an_option_of_another_rule_is_refused(parse, rule, name):
    option = f"--{name.replace('_', '-')}"
    options = parse("--update-rule", rule, option, "0.25")
    if name in RULES[rule].defaults:
        assert hyperparameters(options, 1000)[name] == 0.25
        return
    with pytest.raises(InputError) as caught:
        hyperparameters(options, 1000)
    text = str(caught.value)
    assert f"{option} 0.25 has no meaning for {rule}" in text
    assert all(own in text for own in RULES[rule].defaults)


def test_a_weight_scale_that_no_initializer_reads_is_refused(parse):
    """As --momentum is with adam: what has no effect must not pass in silence."""
    with pytest.raises(InputError, match=r"--weight-scale 0\.5"):
        hyperparameters(parse("--initializer", "kaiming", "--weight-scale", "0.5"), 1000)


def test_the_default_initializer_fits_the_activation(parse):
    for activation, name in (("relu", "kaiming"), ("selu", "xavier"), ("maxout", "xavier")):
        assert hyperparameters(parse("--activation", activation), 99)["initializer"] == name
        given = parse("--activation", activation, "--initializer", "zeros")
        assert hyperparameters(given, 99)["initializer"] == "zeros"


def test_deep_nets_start_from_what_fits_whatever_the_data_set(parse):
    for options, name in (
        ([], "gaussian"),
        (["--hidden-dims", "50,50"], "kaiming"),
        (["--activation", "tanh"], "xavier"),
        (["--hidden-dims", "50,50", "--weight-scale", "0.1"], "gaussian"),
    ):
        given = parse("--dataset", "cifar10", *options)
        assert hyperparameters(given, 999)["initializer"] == name


def test_the_loss_follows_the_targets(parse):
    assert hyperparameters(parse(), 99)["loss"] == "softmax"
    assert hyperparameters(parse(), 99, is_regression=True)["loss"] == "squared"


def test_extras_are_said_where_they_were_asked_for(parse):
    said = worth_saying(hyperparameters(parse(), 99))
    assert not [name for name in EXTRAS if name in said]
    assert "hidden_dims 100," in said
    given = parse("--early-stopping", "3", "--hidden-dims", "9,8", "--loss", "svm")
    said = worth_saying(hyperparameters(given, 99))
    for part in ("patience 3", "hidden_dims 9,8", "loss svm"):
        assert part in said


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("--hidden-dims", "100,", "such as 100 or 200,100"),
        ("--hidden-dims", "many", "such as 100 or 200,100"),
        ("--schedule", "cosinus", "unknown lr_schedule 'cosinus'"),
        ("--schedule", "step:0", "every must be a number above 0"),
    ],
)
def test_texts_without_a_meaning_are_refused(parse, capsys, option, value, part):
    with pytest.raises(SystemExit, match="2"):
        parse(option, value)
    assert part in capsys.readouterr().err


def test_abbreviations_are_refused(parse, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse("--hidden", "3")
    assert "--hidden" in capsys.readouterr().err


def test_the_default_batch_is_no_larger_than_the_training_set(parse):
    assert hyperparameters(parse(), 24)["batch_size"] == 24
    assert hyperparameters(parse("--batch-size", "100"), 24)["batch_size"] == 100
