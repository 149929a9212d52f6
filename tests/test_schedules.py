"""Learning-rate schedules: their curves, their texts, and what the Solver makes of them."""

import math
from functools import partial

import numpy as np
import pytest

import xpnet
from xpnet import InputError, Solver, TwoLayerNet
from xpnet.schedules import (
    Cosine,
    Exponential,
    Moment,
    RateScales,
    StepDecay,
    Warmup,
    constant,
    get_schedule,
)

STEPS, EPOCHS = 7, 12  # steps an epoch, epochs of the training
N, D, C, B = 60, 7, 3, 8  # 7 steps an epoch


def moment(step, num_epochs=EPOCHS):
    return Moment(step, step / STEPS, STEPS * num_epochs, num_epochs)


# -- the curves ----------------------------------------------------------------------------------

# PyTorch's schedulers, with whether they count epochs.
TORCH = {
    "exponential:0.9": ("ExponentialLR", {"gamma": 0.9}, True),
    "exponential": ("ExponentialLR", {"gamma": 0.95}, True),
    "step:3:0.5": ("StepLR", {"step_size": 3, "gamma": 0.5}, True),
    "step": ("StepLR", {"step_size": 10, "gamma": 0.1}, True),
    "cosine": ("CosineAnnealingLR", {"T_max": STEPS * EPOCHS}, False),
    "cosine:0.01": ("CosineAnnealingLR", {"T_max": STEPS * EPOCHS, "eta_min": 0.01}, False),
    "warmup:2": (
        "LinearLR",
        {"start_factor": 1 / (2 * STEPS), "total_iters": 2 * STEPS - 1},
        False,
    ),
    "constant": ("ConstantLR", {"factor": 1.0}, False),
}


def torch_factors(made):
    """Return the rate that PyTorch's schedulers give at each step, from a rate of 1."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedulers = [
        (getattr(torch.optim.lr_scheduler, name)(optimizer, **options), by_epoch)
        for name, options, by_epoch in made
    ]
    found = []
    for step in range(STEPS * EPOCHS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        for scheduler, by_epoch in schedulers:
            if not by_epoch or (step + 1) % STEPS == 0:
                scheduler.step()
    return found


@pytest.mark.parametrize("text", TORCH)
def test_a_curve_is_pytorchs(text):
    expected = torch_factors([TORCH[text]])
    schedule = get_schedule(text)
    found = [schedule(moment(step)) for step in range(STEPS * EPOCHS)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_warmup_before_another_is_their_product():
    """As PyTorch's schedulers chained on one optimizer."""
    warm, step = TORCH["warmup:2"], TORCH["step:3:0.5"]
    schedule = get_schedule("warmup:2+step:3:0.5")
    found = [schedule(moment(t)) for t in range(STEPS * EPOCHS)]
    np.testing.assert_allclose(found, torch_factors([warm, step]), rtol=1e-12)


def test_the_notes_decay_per_epoch_is_lr_decay():
    decay = RateScales(0.9, None, None, STEPS, 12).at(3 * STEPS, STEPS, 99, 12)
    schedule = get_schedule("exponential:0.9")
    np.testing.assert_array_equal(decay, [schedule(moment(3 * STEPS + t)) for t in range(STEPS)])


@pytest.mark.parametrize("every", [0.1, 0.2, 0.3, 0.7, 1.1])
def test_a_step_of_part_of_an_epoch_comes_at_its_step(every):
    """0.3 / 0.1 is below 3 in floats."""
    schedule = StepDecay(every, 0.5)
    for step in range(500):
        done = step * 10 // round(every * 100)  # of 10 steps an epoch, in whole numbers
        assert schedule(Moment(step, step / 10, 500, 50)) == 0.5**done


def test_cosine_begins_at_one_ends_above_its_final_and_never_rises():
    found = [Cosine(0.1)(moment(step)) for step in range(STEPS * EPOCHS + 1)]
    assert found[0] == 1.0
    assert found[-1] == pytest.approx(0.1, rel=1e-12)
    assert found == sorted(found, reverse=True)
    assert Cosine(0.1)(moment(10 * STEPS * EPOCHS)) == pytest.approx(0.1, rel=1e-12)


def test_warmup_of_part_of_an_epoch():
    found = [Warmup(0.5)(moment(step)) for step in range(5)]
    np.testing.assert_allclose(found, [1 / 3.5, 2 / 3.5, 3 / 3.5, 1, 1], rtol=1e-12)


def test_warmup_of_less_than_a_step_is_none():
    assert [Warmup(0.01)(moment(step)) for step in range(3)] == [1.0, 1.0, 1.0]


# -- their texts ---------------------------------------------------------------------------------

TEXTS = {
    "constant": constant,
    "exponential": Exponential(),
    "exponential:0.5": Exponential(0.5),
    "step": StepDecay(),
    "step:4": StepDecay(4),
    "step:2.5:0.3": StepDecay(2.5, 0.3),
    "cosine": Cosine(),
    "cosine:1e-2": Cosine(0.01),
    "warmup": Warmup(),
    "warmup:5": Warmup(5),
    "warmup:5+cosine:0.1": Warmup(5, Cosine(0.1)),
    "warmup:5+warmup:2+step": Warmup(5, Warmup(2, StepDecay())),
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text):
    assert get_schedule(text) == TEXTS[text]


def test_none_is_constant_and_a_callable_is_itself():
    assert get_schedule(None) is constant
    own = lambda moment: 1.0  # noqa: E731
    assert get_schedule(own) is own
    assert get_schedule(partial(own)).func is own


BAD = {
    "unknown": ("cosinus", r"unknown lr_schedule 'cosinus' \(did you mean cosine\?\): choose one"),
    "list of all": ("linear", "choose one of constant, exponential, step, cosine, warmup"),
    "empty": ("", "unknown lr_schedule ''"),
    "nothing after plus": ("warmup:5+", r"unknown lr_schedule '' in 'warmup:5\+'"),
    "unknown after plus": ("warmup:5+poly", r"unknown lr_schedule 'poly' in 'warmup:5\+poly'"),
    "no warmup first": ("cosine+step", r"only a warmup goes before another.*got 'cosine\+step'"),
    "no warmup second": ("warmup+step+cosine", "only a warmup goes before another"),
    "no number": ("step:ten", "'step:ten' has no meaning: step takes other numbers, as in"),
    "empty number": ("step:", "'step:' has no meaning"),
    "too many": ("step:10:0.1:5", "'step:10:0.1:5' has no meaning"),
    "too many of warmup": ("warmup:5:2", "'warmup:5:2' has no meaning: warmup takes"),
    "number for none": ("constant:3", "constant takes other numbers"),
    "rate": ("exponential:1.5", "rate must be a number above 0 and at most 1; got 1.5"),
    "rate zero": ("exponential:0", "rate must be.*got 0.0"),
    "every": ("step:0", "every must be a number above 0; got 0.0"),
    "every negative": ("step:-1", "every must be a number above 0; got -1.0"),
    "every NaN": ("step:nan", "every must be a number above 0; got nan"),
    "every infinite": ("step:inf", "every must be a number above 0; got inf"),
    "factor": ("step:10:2", "factor must be a number above 0 and at most 1; got 2.0"),
    "final": ("cosine:-0.1", "final must be a number from 0 to 1; got -0.1"),
    "final above": ("cosine:1.1", "final must be a number from 0 to 1; got 1.1"),
    "warmup zero": ("warmup:0+cosine", "epochs must be a number above 0; got 0.0"),
    "number": (0.9, "lr_schedule must be a text or a callable; got 0.9"),
    "class": (Cosine, "must be an object; got the class Cosine: call it"),
}


@pytest.mark.parametrize("case", BAD)
def test_other_texts_are_refused_in_a_sentence(case):
    given, message = BAD[case]
    with pytest.raises(InputError, match=message) as caught:
        get_schedule(given)
    assert "\n" not in str(caught.value)


BAD_NUMBERS = {
    "text": (lambda: Exponential("0.9"), "rate must be a number.*got '0.9'"),
    "None": (lambda: StepDecay(None), "every must be.*got None"),
    "truth": (lambda: Cosine(True), "final must be.*got True"),
    "list": (lambda: Warmup([1, 2]), r"epochs must be.*got \[1, 2\]"),
    "after": (lambda: Warmup(5, "cosine"), r"after must be a schedule such as Cosine\(\)"),
    "after class": (lambda: Warmup(5, Cosine), "after must be a schedule"),
}


@pytest.mark.parametrize("case", BAD_NUMBERS)
def test_other_numbers_are_refused(case):
    make, message = BAD_NUMBERS[case]
    with pytest.raises(InputError, match=message):
        make()


# -- in the Solver -------------------------------------------------------------------------------


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((N + 20, D)), rng.integers(C, size=N + 20)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


def trained(data, net=None, **options):
    net = TwoLayerNet(D, 5, C, 0.5, reg=0.1, dtype="float64") if net is None else net
    settings = {"batch_size": B, "num_epochs": 4, "verbose": False, "print_every": 1000}
    solver = Solver(net, data, **{**settings, **options})
    solver.train()
    return solver


def by_hand(data, rates, seed=0):
    """Return the losses of the notes' net under plain SGD at the given rates, one a step."""
    w = {name: x.copy() for name, x in TwoLayerNet(D, 5, C, 0.5, dtype="float64").params.items()}
    losses = []
    epochs = range(len(rates) // STEPS)
    rows = np.concatenate(
        [xpnet.data.batches.epoch_rows(N, B, [seed], e, "shuffle") for e in epochs]
    )
    for row, rate in zip(rows, rates, strict=True):
        x, hot = data["X_train"][row], np.eye(C)[data["y_train"][row]]
        hidden = np.maximum(x @ w["W1"] + w["b1"], 0)
        scores = hidden @ w["W2"] + w["b2"]
        p = np.exp(scores)
        p /= p.sum(axis=1, keepdims=True)
        penalty = 0.05 * ((w["W1"] ** 2).sum() + (w["W2"] ** 2).sum())
        losses.append(-np.log((p * hot).sum(axis=1)).mean() + penalty)
        dscores = (p - hot) / B
        dhidden = dscores @ w["W2"].T * (hidden > 0)
        grads = {
            "W1": x.T @ dhidden + 0.1 * w["W1"],
            "b1": dhidden.sum(axis=0),
            "W2": hidden.T @ dscores + 0.1 * w["W2"],
            "b2": dscores.sum(axis=0),
        }
        w = {name: w[name] - rate * grads[name] for name in w}
    return losses


SCHEDULES = ["exponential:0.7", "step:1.5:0.3", "cosine", "warmup:2", "warmup:1.2+cosine:0.1"]


@pytest.mark.parametrize("text", SCHEDULES)
@pytest.mark.parametrize("print_every", [1, 5, 1000])
def test_sgd_follows_a_loop_by_hand(data, text, print_every):
    solver = trained(
        data,
        lr_schedule=text,
        lr_decay=0.9,
        optim_config={"learning_rate": 0.5},
        print_every=print_every,
    )
    schedule = get_schedule(text)
    rates = [0.5 * 0.9 ** (t // STEPS) * schedule(moment(t, 4)) for t in range(4 * STEPS)]
    np.testing.assert_allclose(solver.loss_history, by_hand(data, rates), rtol=1e-12)


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_pytorch_with_its_scheduler_takes_the_same_way(data, rule):
    torch = pytest.importorskip("torch")
    net = TwoLayerNet(D, 5, C, 0.5, dtype="float64")
    w = {name: torch.tensor(x.copy(), requires_grad=True) for name, x in net.params.items()}
    optimizer = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[rule](w.values(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4 * STEPS)
    losses = []
    for epoch in range(4):
        for row in xpnet.data.batches.epoch_rows(N, B, [0], epoch, "shuffle"):
            x, y = torch.tensor(data["X_train"][row]), torch.tensor(data["y_train"][row])
            scores = torch.relu(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]
            loss = torch.nn.functional.cross_entropy(scores, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
    options = {"update_rule": rule, "optim_config": {"learning_rate": 0.05}}
    solver = trained(data, net, lr_schedule="cosine", **options)
    np.testing.assert_allclose(solver.loss_history, losses, rtol=1e-7)


@pytest.mark.parametrize("seeds", [0, [4, 5, 6]])
def test_members_may_have_schedules_of_their_own(data, seeds):
    """A stack's factors are an array; each member is the run with its own, to the bit."""
    solos = [Cosine(), constant, StepDecay(1, 0.5)]
    options = {"lr_decay": 0.9, "optim_config": {"learning_rate": 0.1}, "update_rule": "adam"}
    net = TwoLayerNet(D, 5, C, 0.5, members=3)
    schedule = lambda m: np.array([solo(m) for solo in solos])  # noqa: E731
    stack = trained(data, net, lr_schedule=schedule, seed=seeds, **options)
    for k, solo in enumerate(solos):
        seed = seeds if seeds == 0 else seeds[k]
        alone = trained(data, TwoLayerNet(D, 5, C, 0.5), lr_schedule=solo, seed=seed, **options)
        np.testing.assert_array_equal(np.asarray(stack.loss_history)[:, k], alone.loss_history)
        for name, w in alone.model.params.items():
            np.testing.assert_array_equal(net.params[name][k], w)


def test_one_schedule_serves_a_stack_with_decays_of_its_own(data):
    options = {"lr_schedule": "warmup:1+cosine", "optim_config": {"learning_rate": 0.1}}
    net = TwoLayerNet(D, 5, C, 0.5, members=2)
    stack = trained(data, net, lr_decay=[1.0, 0.5], **options)
    for k, decay in enumerate([1.0, 0.5]):
        alone = trained(data, TwoLayerNet(D, 5, C, 0.5), lr_decay=decay, **options)
        np.testing.assert_array_equal(np.asarray(stack.loss_history)[:, k], alone.loss_history)


def test_every_backend_takes_the_same_way(backend, data):
    single = {n: x.astype(np.float32) if n[0] == "X" else x for n, x in data.items()}
    options = {"lr_schedule": "warmup:1+cosine", "optim_config": {"learning_rate": 0.2}}
    expected = trained(single, TwoLayerNet(D, 5, C, 0.5), **options)
    net = TwoLayerNet(D, 5, C, 0.5)
    net.params = {name: backend.asarray(w) for name, w in net.params.items()}
    found = trained(single, net, **options)
    np.testing.assert_allclose(found.loss_history, expected.loss_history, rtol=2e-5)


def test_a_factor_of_one_is_no_schedule_to_the_bit(data):
    options = {"lr_decay": 0.9, "update_rule": "adam"}
    plain = trained(data, **options)
    for schedule in ("constant", "exponential:1", "step:1:1", lambda moment: 1):
        assert trained(data, lr_schedule=schedule, **options).loss_history == plain.loss_history


def test_a_factor_of_zero_stands_still(data):
    start = TwoLayerNet(D, 5, C, 0.5).params
    net = TwoLayerNet(D, 5, C, 0.5)
    solver = trained(data, net, lr_schedule=lambda moment: 0.0)
    for name, w in start.items():
        np.testing.assert_array_equal(solver.model.params[name], w)


def test_the_moments_are_counted_over_both_trainings(data):
    seen = []

    def watched(m):
        seen.append(m)
        return 1.0

    solver = trained(data, num_epochs=2, lr_schedule=watched, print_every=3)
    first = seen[-2 * STEPS :]
    assert [m.step for m in first] == list(range(14))
    assert [m.epoch for m in first] == pytest.approx([t / STEPS for t in range(14)])
    assert {(m.num_steps, m.num_epochs) for m in seen} == {(14, 2)}
    seen.clear()
    solver.train()
    assert [m.step for m in seen] == list(range(14, 28))
    assert {(m.num_steps, m.num_epochs) for m in seen} == {(28, 4)}


def test_the_rate_in_the_divergence_warning_is_the_scaled_one(data):
    options = {"lr_schedule": lambda moment: 1e-3, "optim_config": {"learning_rate": 1e23}}
    with pytest.warns(xpnet.DivergenceWarning, match=r"learning rate 1e\+20"):
        trained(data, **options)


# -- models and rules of others ------------------------------------------------------------------


class LinearModel:
    """Somebody else's model, whose loss is the sum of its weights: every step is the rate."""

    def __init__(self):
        self.params = {"W": np.zeros((D, C))}

    def loss(self, X, y=None):
        if y is None:
            return X @ self.params["W"]
        return float(self.params["W"].sum()), {"W": np.ones((D, C))}


def own_sgd(w, dw, config=None):
    return w - config["learning_rate"] * dw, config


@pytest.mark.parametrize("rule", ["sgd", own_sgd])
@pytest.mark.parametrize("text", [*SCHEDULES, "constant"])
def test_a_foreign_model_follows_it_too(data, rule, text):
    model = LinearModel()
    solver = trained(
        data,
        model,
        update_rule=rule,
        lr_schedule=text,
        lr_decay=0.9,
        optim_config={"learning_rate": 0.5},
    )
    schedule = get_schedule(text)
    rates = [0.5 * 0.9 ** (t // STEPS) * schedule(moment(t, 4)) for t in range(4 * STEPS)]
    expected = -D * C * np.cumsum([0.0, *rates[:-1]])
    np.testing.assert_allclose(solver.loss_history, expected, rtol=1e-12)


@pytest.mark.parametrize("rule", ["sgd", "adam", own_sgd])
def test_a_foreign_model_stands_still_at_zero_and_goes_on(data, rule):
    """Our own rules refuse a rate of 0."""
    factors = [1.0, 0.0, 0.0, 1.0, 0.5]
    solver = trained(
        data,
        LinearModel(),
        update_rule=rule,
        lr_schedule=lambda m: factors[m.step] if m.step < 5 else 0.0,
        optim_config={"learning_rate": 0.5},
    )
    ways = -np.diff(solver.loss_history) / (D * C)
    np.testing.assert_allclose(ways[:5], [0.5, 0.0, 0.0, 0.5, 0.25], rtol=1e-6)
    assert not ways[5:].any()


def test_a_rule_may_change_its_own_rate_under_a_schedule(data):
    seen = []

    def halving(w, dw, config=None):
        seen.append(config["learning_rate"])
        config["learning_rate"] /= 2
        return w, config

    options = {"update_rule": halving, "optim_config": {"learning_rate": 1.0}}
    trained(data, LinearModel(), lr_schedule="cosine", num_epochs=2, **options)
    cosine = [Cosine()(moment(t, 2)) for t in range(14)]
    np.testing.assert_allclose(seen, [0.5**t * cosine[t] for t in range(14)], rtol=1e-12)


def test_a_stack_under_a_rule_of_others_scales_each_member(data):
    options = {
        "lr_schedule": lambda m: np.array([1.0, 0.5 ** (m.step // 3)]),
        "lr_decay": [1.0, 0.9],
        "optim_config": {"learning_rate": [0.1, 0.2]},
    }
    nets = [TwoLayerNet(D, 5, C, 0.5, members=2, dtype="float64") for _ in range(2)]
    ours = trained(data, nets[0], **options)
    theirs = trained(data, nets[1], update_rule=own_sgd, **options)
    np.testing.assert_allclose(theirs.loss_history, ours.loss_history, rtol=1e-12)


def test_a_rule_that_keeps_its_rate_to_itself_cannot_be_scheduled(data):
    def secretive(w, dw, config=None):
        config.setdefault("learning_rate", 0.1)
        return w - config["learning_rate"] * dw, config

    with pytest.raises(InputError, match="lr_schedule needs a learning rate.*in optim_config"):
        trained(data, update_rule=secretive, lr_schedule="cosine")
    trained(data, update_rule=secretive, lr_schedule="constant")


def test_a_tuple_of_a_foreign_rule_is_no_value_a_member(data):
    """Betas stay a pair for one net and for a stack of another size; a number may be an array."""
    seen = []

    def watched(w, dw, config=None):
        seen.append((config["betas"], float(config["eps"])))
        return w, config

    config = {"betas": (0.9, 0.99), "eps": np.asarray(0.5)}
    for members in (None, 3):
        net = TwoLayerNet(D, 5, C, members=members)
        trained(data, net, update_rule=watched, optim_config=config, num_epochs=1)
    assert set(seen) == {((0.9, 0.99), 0.5)}


# -- bad input -----------------------------------------------------------------------------------

BAD_RETURNS = {
    "negative": (-0.1, "of 0 or more; at step 0 it returned -0.1"),
    "NaN": (math.nan, "it returned nan"),
    "infinite": (math.inf, "it returned inf"),
    "text": ("0.5", "it returned '0.5'"),
    "None": (None, "it returned None"),
    "truth": (True, "it returned True"),
    "two": ([0.5, 0.5], r"it returned \[0.5, 0.5\]"),
    "complex": (1j, "it returned 1j"),
}


@pytest.mark.parametrize("case", BAD_RETURNS)
def test_what_a_schedule_returns_is_checked_before_the_training(data, case):
    value, message = BAD_RETURNS[case]
    with pytest.raises(InputError, match=rf"lr_schedule must return a number.*{message}$"):
        Solver(TwoLayerNet(D, 5, C), data, batch_size=B, lr_schedule=lambda m: value)


def test_a_stack_wants_one_factor_or_one_a_member(data):
    message = r"of 0 or more, or 3 of them, one a member; at step 0 it returned \[1, 1\]"
    net = TwoLayerNet(D, 5, C, members=3)
    with pytest.raises(InputError, match=message):
        Solver(net, data, batch_size=B, lr_schedule=lambda m: [1, 1])


def test_a_bad_factor_within_the_training_leaves_the_best_parameters(data):
    net = TwoLayerNet(D, 5, C, 0.5)
    schedule = lambda m: 1.0 if m.step < 10 else -1.0  # noqa: E731
    solver = Solver(net, data, batch_size=B, lr_schedule=schedule, verbose=False, print_every=1)
    with pytest.raises(InputError, match="at step 10 it returned -1.0"):
        solver.train()
    assert solver.step == 10
    for name, w in solver.best_params.items():
        np.testing.assert_array_equal(net.params[name], w)


def test_an_array_of_any_library_is_a_factor(backend, data):
    net = TwoLayerNet(D, 5, C, 0.5, members=2)
    factor = backend.asarray(np.asarray([1.0, 0.5], dtype=np.float32))
    config = {"learning_rate": 0.1}
    found = trained(data, net, lr_schedule=lambda m: factor, num_epochs=1, optim_config=config)
    known = TwoLayerNet(D, 5, C, 0.5, members=2)
    expected = trained(data, known, num_epochs=1, optim_config={"learning_rate": [0.1, 0.05]})
    np.testing.assert_array_equal(found.loss_history, expected.loss_history)


def test_an_error_within_a_schedule_is_its_owners(data):
    with pytest.raises(ZeroDivisionError):
        Solver(TwoLayerNet(D, 5, C), data, batch_size=B, lr_schedule=lambda m: 1 / m.step)
