"""The course's update rules, called as its notebooks call them, with the values they expect."""

import numpy as np
import pytest

from xpnet.cs231n import adam, rmsprop, sgd, sgd_momentum
from xpnet.errors import InputError

RULES = [sgd, sgd_momentum, rmsprop, adam]


def grid(start, stop):
    return np.linspace(start, stop, num=20).reshape(4, 5)


# rule, config given, next w, and the state that is found in the config
PUBLISHED = {
    "sgd_momentum": (
        sgd_momentum,
        {"learning_rate": 1e-3, "velocity": grid(0.6, 0.9)},
        [
            [0.1406, 0.20738947, 0.27417895, 0.34096842, 0.40775789],
            [0.47454737, 0.54133684, 0.60812632, 0.67491579, 0.74170526],
            [0.80849474, 0.87528421, 0.94207368, 1.00886316, 1.07565263],
            [1.14244211, 1.20923158, 1.27602105, 1.34281053, 1.4096],
        ],
        {"velocity": grid(0.5406, 0.8096)},
    ),
    "rmsprop": (
        rmsprop,
        {"learning_rate": 1e-2, "cache": grid(0.6, 0.9)},
        [
            [-0.39223849, -0.34037513, -0.28849239, -0.23659121, -0.18467247],
            [-0.132737, -0.08078555, -0.02881884, 0.02316247, 0.07515774],
            [0.12716641, 0.17918792, 0.23122175, 0.28326742, 0.33532447],
            [0.38739248, 0.43947102, 0.49155973, 0.54365823, 0.59576619],
        ],
        {
            "cache": [
                [0.5976, 0.6126277, 0.6277108, 0.64284931, 0.65804321],
                [0.67329252, 0.68859723, 0.70395734, 0.71937285, 0.73484377],
                [0.75037008, 0.7659518, 0.78158892, 0.79728144, 0.81302936],
                [0.82883269, 0.84469141, 0.86060554, 0.87657507, 0.8926],
            ]
        },
    ),
    "adam": (
        adam,
        {"learning_rate": 1e-2, "m": grid(0.6, 0.9), "v": grid(0.7, 0.5), "t": 5},
        [
            [-0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977],
            [-0.1380274, -0.08544591, -0.03286534, 0.01971428, 0.0722929],
            [0.1248705, 0.17744702, 0.23002243, 0.28259667, 0.33516969],
            [0.38774145, 0.44031188, 0.49288093, 0.54544852, 0.59801459],
        ],
        {
            "m": grid(0.48, 0.85),
            "v": [
                [0.69966, 0.68908382, 0.67851319, 0.66794809, 0.65738853],
                [0.64683452, 0.63628604, 0.6257431, 0.61520571, 0.60467385],
                [0.59414753, 0.58362676, 0.57311152, 0.56260183, 0.55209767],
                [0.54159906, 0.53110598, 0.52061845, 0.51013645, 0.49966],
            ],
            "t": 6,
        },
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_values(name):
    rule, config, expected, state = PUBLISHED[name]
    config, w = dict(config), grid(-0.4, 0.6)
    next_w, same = rule(w, grid(-0.6, 0.4), config=config)
    assert same is config
    np.testing.assert_allclose(next_w, expected, rtol=1e-6, atol=1e-8)
    for key, value in state.items():
        np.testing.assert_allclose(config[key], value, rtol=1e-7, atol=1e-8)
    np.testing.assert_array_equal(w, grid(-0.4, 0.6))


@pytest.mark.parametrize(
    ("rule", "defaults", "state"),
    [
        (sgd, {"learning_rate": 1e-2}, ()),
        (sgd_momentum, {"learning_rate": 1e-2, "momentum": 0.9}, ("velocity",)),
        (rmsprop, {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8}, ("cache",)),
        (
            adam,
            {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
            ("m", "v", "t"),
        ),
    ],
)
def test_defaults_and_state_are_written_into_the_config(rule, defaults, state):
    given = {}
    _, config = rule(grid(0.0, 1.0), grid(1.0, 2.0), given)
    assert config is given
    assert {key: config[key] for key in defaults} == defaults
    assert config.keys() == {*defaults, *state}


@pytest.mark.parametrize("rule", RULES)
def test_a_chain_of_calls_is_a_training(rule):
    w, config = grid(-1.0, 1.0), None
    for _ in range(400):
        w, config = rule(w, w - 0.5, config)  # the gradient of 0.5 (w - 0.5)^2
    assert np.abs(w - 0.5).max() < np.abs(grid(-1.0, 1.0) - 0.5).max() * 0.8
    kept, config = config, dict(config)
    rule(w, w, config)
    assert config.keys() == kept.keys()


@pytest.mark.parametrize("rule", RULES)
def test_refuses_a_key_that_the_rule_has_not(rule):
    with pytest.raises(InputError, match="has no hyperparameter 'rate'"):
        rule(grid(0, 1), grid(0, 1), {"rate": 1.0})
