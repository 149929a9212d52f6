import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.members import per_member
from xpnet.optim import RULES, UpdateRule, get_rule

# What each rule is documented to have: defaults, state.
DEFAULTS = {
    "sgd": {"learning_rate": 1e-2},
    "sgd_momentum": {"learning_rate": 1e-2, "momentum": 0.9},
    "nesterov_momentum": {"learning_rate": 1e-2, "momentum": 0.9},
    "rmsprop": {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8},
    "adam": {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "adamw": {
        "learning_rate": 1e-3,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 1e-2,
    },
}
STATE = {
    "sgd": set(),
    "sgd_momentum": {"velocity"},
    "nesterov_momentum": {"velocity"},
    "rmsprop": {"cache"},
    "adam": {"m", "v", "t"},
    "adamw": {"m", "v", "t"},
}
# Three values of each, one for each member of a stack of three.
PER_MEMBER = {
    "learning_rate": [0.1, 0.01, 0.5],
    "momentum": [0.0, 0.9, 0.5],
    "decay_rate": [0.5, 0.99, 0.9],
    "beta1": [0.0, 0.9, 0.5],
    "beta2": [0.5, 0.999, 0.9],
    "epsilon": [1e-8, 1e-2, 1.0],
    "weight_decay": [0.0, 0.1, 1.0],
}
# w, dw and the next w of two steps with exact hyperparameters, worked out by hand.
BY_HAND = {
    "sgd": ({"learning_rate": 0.5}, [1.0, -2.0], [0.5, 1.5]),
    "sgd_momentum": ({"learning_rate": 0.5, "momentum": 0.5}, [1.0, -2.0], [0.5, 1.25]),
    "nesterov_momentum": ({"learning_rate": 0.5, "momentum": 0.5}, [1.0, -2.0], [0.25, 1.625]),
    # cache 1 and 1; epsilon outside the root
    "rmsprop": (
        {"learning_rate": 0.5, "decay_rate": 0.75, "epsilon": 1.0},
        [2.0, -1.0],
        [0.5, 0.75],
    ),
    # m 1, -1/2 over 1/2, 3/4; v 1, 7/4 over 1/4, 7/16
    "adam": (
        {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.75, "epsilon": 1.0},
        [2.0, -2.0],
        [14.0 / 15.0, 43.0 / 45.0],
    ),
    "adamw": (
        {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.75, "epsilon": 1.0, "weight_decay": 0.5},
        [2.0, -2.0],
        [53.0 / 60.0, 0.95 * 53.0 / 60.0 + 1.0 / 45.0],
    ),
}

every_rule = pytest.mark.parametrize("name", list(DEFAULTS))


def test_the_table_has_every_rule():
    assert list(RULES) == list(DEFAULTS) == list(BY_HAND)
    assert all(rule.name == name for name, rule in RULES.items())


@every_rule
def test_defaults_and_state(backend, name):
    w, dw = (backend.asarray(np.float32([[v, 2.0]])) for v in (1.0, -3.0))
    _, config = RULES[name](w, dw)
    hyper = {key: value for key, value in config.items() if key not in STATE[name]}
    assert hyper == DEFAULTS[name]
    assert set(config) - set(hyper) == STATE[name]
    for key in STATE[name] - {"t"}:
        assert config[key].shape == w.shape
        assert config[key].dtype == w.dtype
    assert config.get("t", 1) == 1


@every_rule
def test_two_steps_by_hand(backend64, name):
    config, gradients, known = BY_HAND[name]
    w = backend64.asarray(np.asarray([[1.0]]))
    for gradient, expected in zip(gradients, known, strict=True):
        w, config = RULES[name](w, backend64.asarray(np.asarray([[gradient]])), config)
        np.testing.assert_allclose(backend64.to_numpy(w), [[expected]], rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "given", "state", "known"),
    [
        (
            "sgd_momentum",
            {"learning_rate": 1e-3, "velocity": (0.6, 0.9)},
            {"velocity": [0.5406, 0.55475789, 0.56891579, 0.58307368, 0.59723158]},
            [0.1406, 0.20738947, 0.27417895, 0.34096842, 0.40775789],
        ),
        (
            "rmsprop",
            {"learning_rate": 1e-2, "cache": (0.6, 0.9)},
            {"cache": [0.5976, 0.6126277, 0.6277108, 0.64284931, 0.65804321]},
            [-0.39223849, -0.34037513, -0.28849239, -0.23659121, -0.18467247],
        ),
        (
            "adam",  # t is counted before it is used: 6
            {"learning_rate": 1e-2, "m": (0.6, 0.9), "v": (0.7, 0.5), "t": 5},
            {
                "m": [0.48, 0.49947368, 0.51894737, 0.53842105, 0.55789474],
                "v": [0.69966, 0.68908382, 0.67851319, 0.66794809, 0.65738853],
                "t": 6,
            },
            [-0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977],
        ),
    ],
)
def test_values_of_the_notes(backend64, name, given, state, known):
    # The first row of the check values of CS231n, assignment 2.
    def line(start, end):
        return backend64.asarray(np.linspace(start, end, 20).reshape(4, 5))

    config = {key: line(*v) if isinstance(v, tuple) else v for key, v in given.items()}
    next_w, config = RULES[name](line(-0.4, 0.6), line(-0.6, 0.4), config)
    np.testing.assert_allclose(backend64.to_numpy(next_w)[0], known, atol=1e-7)
    for key, expected in state.items():
        found = config[key] if key == "t" else backend64.to_numpy(config[key])[0]
        np.testing.assert_allclose(found, expected, atol=6e-9)


@every_rule
def test_twenty_steps_agree_with_torch(backend64, rng, name):
    torch = pytest.importorskip("torch")
    opened = {
        "sgd": lambda w: torch.optim.SGD(w, lr=0.05),
        "sgd_momentum": lambda w: torch.optim.SGD(w, lr=0.05, momentum=0.8),
        "nesterov_momentum": lambda w: torch.optim.SGD(w, lr=0.05, momentum=0.8, nesterov=True),
        "rmsprop": lambda w: torch.optim.RMSprop(w, lr=0.05, alpha=0.99, eps=1e-3),
        "adam": lambda w: torch.optim.Adam(w, lr=0.05, betas=(0.8, 0.95), eps=1e-3),
        "adamw": lambda w: torch.optim.AdamW(
            w, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1
        ),
    }
    config = {
        "learning_rate": 0.05,
        "momentum": 0.8,
        "decay_rate": 0.99,
        "beta1": 0.8,
        "beta2": 0.95,
        "epsilon": 1e-3,
        "weight_decay": 0.1,
    }
    config = {key: value for key, value in config.items() if key in DEFAULTS[name]}
    start, gradients = rng.standard_normal((3, 4)), rng.standard_normal((20, 3, 4))
    parameter = torch.tensor(start, requires_grad=True)
    optimizer = opened[name]([parameter])
    w = backend64.asarray(start)
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
        w, config = RULES[name](w, backend64.asarray(gradient), config)
        np.testing.assert_allclose(
            backend64.to_numpy(w), parameter.detach().numpy(), rtol=1e-12, atol=1e-13
        )


@every_rule
def test_reaches_the_minimum_of_a_quadratic(name):
    w, config = np.asarray([3.0, -2.0]), {"learning_rate": 0.05}
    for _ in range(400):
        w, config = RULES[name](w, np.asarray([1.0, 2.0]) * w, config)
    assert np.abs(w).max() < 0.06


@every_rule
def test_writes_into_none_of_its_inputs(backend, rng, name):
    start, gradient = rng.standard_normal((2, 3, 4)).astype(np.float32)
    w, dw = backend.asarray(start), backend.asarray(gradient)
    config = {"learning_rate": 0.1}
    _, first = RULES[name](w, dw, config)
    assert config == {"learning_rate": 0.1}
    before = {
        key: value if key == "t" else np.array(value) for key, value in to_host(backend, first)
    }
    if backend.name == "numpy":  # the state too, which the rule itself has made
        for key in STATE[name] - {"t"}:
            first[key].flags.writeable = False
    _, second = RULES[name](w, dw, first)
    assert second is not first
    for key, value in to_host(backend, first):
        np.testing.assert_array_equal(value, before[key])
    np.testing.assert_array_equal(backend.to_numpy(w), start)
    np.testing.assert_array_equal(backend.to_numpy(dw), gradient)


def to_host(backend, config):
    """Return the items of a config on the host."""
    return [
        (key, backend.to_numpy(value) if hasattr(value, "shape") and value.shape else value)
        for key, value in config.items()
    ]


@every_rule
def test_the_notes_form_is_its_two_halves(backend64, rng, name):
    rule, xp = RULES[name], backend64.xp
    start, gradients = rng.standard_normal((3, 4)), rng.standard_normal((4, 3, 4))

    def step(w, dw, slots, c):
        slots = dict(slots)
        return rule.apply(w, xp.asarray(dw, copy=True), slots, c, xp), slots

    steps = [step]
    if backend64.name == "jax":
        steps.append(pytest.importorskip("jax").jit(step))
    for advance in steps:
        public, config = backend64.asarray(start), {"learning_rate": 0.1}
        # The consuming form, on arrays of its own that it may write into.
        w = xp.asarray(public, copy=True)
        slots = {key: xp.zeros_like(public) for key in rule.slots}
        hyper = {**DEFAULTS[name], "learning_rate": 0.1}
        for t, gradient in enumerate(gradients, start=1):
            public, config = rule(public, backend64.asarray(gradient), config)
            c = {
                key: xp.asarray(value, dtype=w.dtype, device=w.device)
                for key, value in rule.coefficients(hyper, t).items()
            }
            w, slots = advance(w, backend64.asarray(gradient), slots, c)
        assert config.get("t", 4) == 4
        for key in rule.slots:
            np.testing.assert_allclose(
                backend64.to_numpy(config[key]), backend64.to_numpy(slots[key]), rtol=1e-13
            )
        np.testing.assert_allclose(backend64.to_numpy(public), backend64.to_numpy(w), rtol=1e-13)


@pytest.mark.parametrize("shape", [(3,), (3, 3), (3, 3, 3), (3, 4, 2)])
@every_rule
def test_a_stack_is_its_members(backend64, rng, name, shape):
    # As many features as members: without care the values would fall on the feature axis.
    hyper = {key: np.asarray(PER_MEMBER[key]) for key in DEFAULTS[name]}
    start, gradients = rng.standard_normal(shape), rng.standard_normal((3, *shape))
    w, config = backend64.asarray(start), hyper
    for gradient in gradients:
        w, config = RULES[name](w, backend64.asarray(gradient), config)
    stack = backend64.to_numpy(w)
    assert stack.shape == shape
    for k in range(3):
        # Solo nets on NumPy: one run for all backends.
        alone, config = start[k, None], {key: float(value[k]) for key, value in hyper.items()}
        for gradient in gradients:
            alone, config = RULES[name](alone, gradient[k, None], config)
        if backend64.name == "numpy":
            np.testing.assert_array_equal(stack[k], alone[0])
        np.testing.assert_allclose(stack[k], alone[0], rtol=1e-12, atol=1e-14)


@every_rule
def test_one_value_per_member_beside_shared_ones(backend64, name):
    w = backend64.asarray(np.ones((2, 2)))
    next_w, _ = RULES[name](w, w, {"learning_rate": [0.1, 0.2]})
    found = backend64.to_numpy(next_w)
    for k, rate in enumerate([0.1, 0.2]):
        solo, _ = RULES[name](np.ones(2), np.ones(2), {"learning_rate": rate})
        np.testing.assert_allclose(found[k], solo, rtol=1e-14)


@every_rule
def test_keeps_dtype_and_device(backend, rng, name):
    w, dw = (backend.asarray(rng.standard_normal((3, 4)).astype(np.float32)) for _ in "wd")
    for rate in (0.1, np.float64(0.1), np.full(3, 0.1)):
        next_w, config = RULES[name](w, dw, {"learning_rate": rate})
        for array in (next_w, *(config[key] for key in STATE[name] - {"t"})):
            assert array.dtype == w.dtype
            assert array.shape == w.shape
            assert backend.name == "numpy" or array.device == w.device


@every_rule
def test_runs_without_data(name):
    torch = pytest.importorskip("torch")
    w = torch.empty((3, 4), device="meta")
    config = None
    for _ in range(2):
        w, config = RULES[name](w, torch.empty((3, 4), device="meta"), config)
        assert (tuple(w.shape), w.device.type) == ((3, 4), "meta")


@pytest.mark.parametrize(
    "value", [0, 0.0, -0.1, float("nan"), float("inf"), "fast", "0.1", [0.1, 0]]
)
@every_rule
def test_refuses_a_learning_rate_that_is_not_positive(name, value):
    w = np.ones((2, 3))
    with pytest.raises(
        InputError, match=f"{name}: learning_rate must be a positive number; got "
    ) as e:
        RULES[name](w, w, {"learning_rate": value})
    wrong = value[1] if isinstance(value, list) else value
    assert str(wrong) in str(e.value)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("sgd_momentum", "momentum", 1.0),
        ("nesterov_momentum", "momentum", -0.1),
        ("rmsprop", "decay_rate", 1.5),
        ("rmsprop", "epsilon", 0.0),
        ("adam", "beta1", 1.0),
        ("adam", "beta2", -0.5),
        ("adam", "epsilon", -1e-8),
        ("adamw", "weight_decay", -0.01),
    ],
)
def test_refuses_a_hyperparameter_out_of_its_range(name, key, value):
    with pytest.raises(InputError, match=f"{name}: {key} must be .*; got {value}"):
        RULES[name](np.ones(2), np.ones(2), {key: value})
    with pytest.raises(InputError, match=f"{name}: {key} must be .*; got {value}"):
        RULES[name].check_hyperparameters({key: [DEFAULTS[name][key], value]})


@every_rule
def test_refuses_an_unknown_hyperparameter(name):
    with pytest.raises(InputError) as caught:
        RULES[name](np.ones(2), np.ones(2), {"learning_rat": 0.1})
    assert f"{name} has no hyperparameter 'learning_rat'" in str(caught.value)
    for known in DEFAULTS[name]:
        assert known in str(caught.value)


def test_state_is_no_hyperparameter_before_the_first_step():
    with pytest.raises(InputError, match="adam has no hyperparameter 't'"):
        RULES["adam"].check_hyperparameters({"t": 3})
    assert RULES["adam"].check_hyperparameters({"beta1": 0.5}) == {
        **DEFAULTS["adam"],
        "beta1": 0.5,
    }


@every_rule
def test_refuses_a_gradient_of_another_shape(backend, name):
    w, dw = backend.asarray(np.ones((3, 4), np.float32)), backend.asarray(np.ones(4, np.float32))
    with pytest.raises(InputError, match=rf"{name}: .*got \(3, 4\) and \(4,\)"):
        RULES[name](w, dw)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_refuses_integer_parameters(backend, name):
    # In integers the learning rate would be 0, and the parameters would stay where they are.
    w = backend.asarray(np.asarray([1, 2], dtype=np.int32))
    with pytest.raises(InputError, match="int32"):
        RULES[name](w, w)


@pytest.mark.parametrize("given", [[0.1] * 4, [[[0.1]]]])
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_refuses_hyperparameters_that_do_not_fit_the_members(backend, name, given):
    # JAX, whose arrays are never written into, would broadcast w to (4, 3) in silence.
    w = backend.asarray(np.ones((1, 3), np.float32))
    with pytest.raises(InputError, match="learning_rate"):
        RULES[name](w, w, {"learning_rate": np.asarray(given)})


@pytest.mark.parametrize("name", ["sgd_momentum", "adam"])
def test_refuses_state_of_another_shape(backend, name):
    w = backend.asarray(np.ones((1, 3), np.float32))
    key = RULES[name].slots[0]
    with pytest.raises(InputError, match=key):
        RULES[name](w, w, {key: backend.asarray(np.zeros((2, 3), np.float32))})


@every_rule
def test_get_rule_knows_the_name(name):
    assert get_rule(name) is RULES[name]
    assert isinstance(RULES[name], UpdateRule)
    assert name in repr(RULES[name])


def test_get_rule_passes_a_callable_through():
    def rule(w, dw, config):
        return w - dw, config

    assert get_rule(rule) is rule
    assert get_rule(RULES["sgd"]) is RULES["sgd"]


@pytest.mark.parametrize("given", ["sdg", "", 5, None, ["sgd"]])
def test_get_rule_refuses_anything_else(given):
    with pytest.raises(ValueError, match="unknown update_rule") as caught:
        get_rule(given)
    assert isinstance(caught.value, InputError)
    for text in (repr(given), *RULES):
        assert text in str(caught.value)


def test_per_member_coefficients_reach_apply_as_the_solver_gives_them(backend64):
    # The Solver broadcasts the coefficients itself, by the same `per_member`.
    rule = RULES["sgd"]
    w = backend64.asarray(np.ones((2, 2, 2)))
    rates = backend64.asarray(np.asarray([0.25, 0.5]))
    c = {"learning_rate": per_member(rates, w)}
    own = backend64.xp.asarray(w, copy=True)
    moved = backend64.to_numpy(rule.apply(own, backend64.copy(w), {}, c, backend64.xp))
    np.testing.assert_array_equal(moved, np.broadcast_to([[[0.75]], [[0.5]]], (2, 2, 2)))


@pytest.mark.parametrize("t", [-1, 0.5, "2"])
def test_refuses_a_count_that_is_none(t):
    w = np.ones((2, 3))
    with pytest.raises(InputError, match=f"adam: t must count the steps taken, from 0; got {t!r}"):
        RULES["adam"](w, w, {"t": t})


def test_refuses_a_config_that_is_no_dictionary():
    w = np.ones((2, 3))
    with pytest.raises(InputError, match="config must be a dictionary or None; got 0.1"):
        RULES["sgd"](w, w, 0.1)


def test_takes_rates_that_lie_on_the_device(backend):
    w = backend.asarray(np.ones((2, 3), np.float32))
    rates = np.asarray([0.5, 0.25], np.float32)
    given, _ = RULES["sgd"](w, w, {"learning_rate": backend.asarray(rates)})
    expected, _ = RULES["sgd"](w, w, {"learning_rate": rates})
    assert np.array_equal(backend.to_numpy(given), backend.to_numpy(expected))
    assert np.array_equal(backend.to_numpy(given)[:, 0], [0.5, 0.75])
