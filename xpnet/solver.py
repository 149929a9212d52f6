"""The Solver: trains a net, or a stack of nets, on a data set.

Reference: Stanford CS231n, assignment 2 (`solver.py`), without its faults.
"""

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xpnet.backends import Array, Backend, backend_of
from xpnet.best import Best, copied
from xpnet.checks import (
    check_callbacks,
    check_clip_norm,
    check_compiler,
    check_config,
    check_count,
    check_sample_shape,
    check_targets,
    check_training,
    host_pair,
    host_split,
    refuse_unknown,
)
from xpnet.data import Dataset
from xpnet.data.batches import check_sampling, epoch_rows, sample_rows
from xpnet.divergence import Divergence
from xpnet.errors import InputError
from xpnet.evaluation import host_scores
from xpnet.history_lines import epoch_line, iteration_line, stop_line
from xpnet.interrupts import InterruptFlag, interrupt_flag
from xpnet.members import member_seeds, member_values
from xpnet.metrics import Accuracy, Metric, RSquared
from xpnet.model_trainer import ModelTrainer
from xpnet.net_trainer import NetTrainer
from xpnet.nets import Net, Variables, is_own_net
from xpnet.optim import Rule, UpdateRule, check_range, get_rule
from xpnet.preprocessing import Preprocessor, get_preprocessor, transformed
from xpnet.schedules import RateScales, Schedule, constant
from xpnet.weighting import check_sample_weights, loss_terms

__all__ = ["Solver"]

# Rows at once when the Solver checks itself: batches of 100 spend their time in Python, and those
# of 1,000 pictures outgrow the cache.
_CHECK_BATCH = 250

Params = dict[str, Array]


class Solver:
    """Trains `model` on `data` by mini-batches, and leaves it with its best parameters.

    An epoch has N // batch_size steps. With shuffling no sample comes twice in an epoch, and the
    tail that does not fill a batch is left out, another one in each epoch. The accuracies are taken
    after the first step, at the end of each epoch, and at the last step. At the end the model holds
    the parameters of the best validation accuracy, and of equal ones that of the lower loss.

    Args:
        model: A net of xpnet, or any object with a dictionary `params` of arrays, and with
            `loss(X)` -> scores (N, C) and `loss(X, y)` -> (loss, gradients by name). A stack is
            trained as one; histories then have a row of `members` values a step.
        data: A `xpnet.data.Dataset`, or a mapping with `X_train` (N, d1, ..., dk), `y_train` (N,)
            integers, `X_val` and `y_val`.
        update_rule: A name in `xpnet.optim.RULES`, or a callable `(w, dw, config) ->
            (next_w, config)`.
        optim_config: Hyperparameters of the rule, such as `{"learning_rate": 1e-3}`.
        lr_decay: The learning rate is multiplied by this after each epoch.
        batch_size: Samples a step.
        num_epochs: Epochs that `train()` runs.
        num_train_samples: Training samples that the training accuracy is taken on, others in each
            epoch; None for all.
        num_val_samples: Likewise for validation, the same ones each time; None for all.
        print_every: Steps from one printed loss, and one look for divergence, to the next.
        verbose: Print losses and accuracies.
        seed: Of the order of the samples.
        sampling: "shuffle", or "replacement" as in the notes.
        preprocess: None, a text such as "mean" or "standard+pca:50" (see
            `xpnet.preprocessing.get_preprocessor`), or a `xpnet.preprocessing.Preprocessor`. A copy
            of it is fitted on the training part, unless it is fitted already, and applied to each
            batch. A net's `input_dim` is the number of features after it.
        lr_schedule: What the learning rate is multiplied by at each step, besides `lr_decay`: a
            text such as "cosine" or "warmup:5+cosine", or a callable; see `xpnet.schedules`.
        patience: Stop after so many epochs without a better validation, as `best_params` means it:
            a higher accuracy, or an equal one with a lower loss. None never stops early.
        clip_norm: The largest norm of all gradients together; longer ones are scaled to it, each
            member's by themselves. None or infinity never scales.
        class_weights: "balanced", or C numbers: how much the samples of each class weigh in the
            training loss, a weighted mean. "balanced" is N / (C * the samples of the class).
        sample_weights: Likewise one number for each row of X_train. A sample's weights multiply.
        label_smoothing: This share of each label is spread over all classes (softmax alone).
        compile: Compile the steps by PyTorch's compiler, which takes half a minute first. JAX
            always compiles; NumPy and CuPy have no compiler.
        callbacks: Objects with any of `on_interval(solver)`, every `print_every` steps;
            `on_epoch(solver)`, after the accuracies of an epoch; `on_end(solver)`. They may read
            `model.params`, and copy what they keep: later steps write into these arrays.

    The members of a stack start alike unless the net was given several seeds or scales. With a
    stack, the values of `optim_config`, `lr_decay`, `clip_norm` and `seed` may be sequences, one
    value a member.

    Attributes:
        loss_history: The loss of every step.
        train_acc_history, val_acc_history, val_loss_history: A value for each check. With real
            targets the accuracies are R squared. The validation loss has the regularisation in it,
            as `loss_history` has, but no weights and no smoothing; NaN where the model or the rule
            is not xpnet's.
        check_steps: The step of each check.
        best_val_acc: The best validation accuracy, -inf before the first check.
        best_params: The parameters that reached it.
        best_state: The state of the net's layers then; empty where they have none.
        metric: What the accuracies are: `xpnet.metrics.Accuracy`, or `RSquared`.
        preprocess: The fitted preprocessor, or None; `predict` and `check_accuracy` use it.
        num_classes: The scores that the model gives a sample.
        stopped_at: The step at which patience ended, or None; of a stack, a list with one such
            value a member. A member that stops keeps its best parameters, with NaN in its histories
            from then on.
        epoch: Epochs done.
        step: Steps done.
        diverged_at: The step whose loss was the first to be NaN or infinite, or None; of a stack, a
            list with one such value a member. A member that diverges is left alone from then on,
            with NaN in its histories.

    Raises:
        InputError: A `ValueError`: an argument or the data does not fit; raised before the first
            step.

    """

    def __init__(
        self,
        model: Any,
        data: Mapping[str, Any] | Dataset,
        *,
        update_rule: str | Rule = "sgd",
        optim_config: Mapping[str, Any] | None = None,
        lr_decay: float | Sequence[float] = 1.0,
        batch_size: int = 100,
        num_epochs: int = 10,
        num_train_samples: int | None = 1000,
        num_val_samples: int | None = None,
        print_every: int = 10,
        verbose: bool = True,
        seed: int | Sequence[int] = 0,
        sampling: str = "shuffle",
        preprocess: str | Preprocessor | None = None,
        lr_schedule: str | Schedule | None = None,
        patience: int | None = None,
        clip_norm: float | Sequence[float] | None = None,
        class_weights: str | Sequence[float] | None = None,
        sample_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        compile: bool = False,
        callbacks: Sequence[Any] = (),
        **unknown: Any,
    ) -> None:
        refuse_unknown("Solver", unknown, inspect.signature(Solver).parameters)
        self.model = model
        self.members = model.members if isinstance(model, Net) else None
        self.batch_size = check_count("batch_size", batch_size)
        self.num_epochs = check_count("num_epochs", num_epochs)
        self.print_every = check_count("print_every", print_every)
        self.verbose = verbose
        self.callbacks = check_callbacks(callbacks)
        check_sampling(sampling)
        self.sampling = sampling
        self.seeds = member_seeds(seed, self.members)
        self._rate_scales = RateScales(lr_decay, lr_schedule, self.members)
        self.update_rule = get_rule(update_rule)
        self.optim_config = check_config(optim_config)
        picture_shape = data.picture_shape if isinstance(data, Dataset) else None
        self.preprocess = get_preprocessor(preprocess, picture_shape)
        self.compile = compile
        self.patience = None if patience is None else check_count("patience", patience)
        self.clip_norm = check_clip_norm(clip_norm, self.members)

        for name, count in (
            ("num_train_samples", num_train_samples),
            ("num_val_samples", num_val_samples),
        ):
            if count is not None:
                check_count(name, count)
        self.num_train_samples = num_train_samples
        train, val = host_split(data, "train"), host_split(data, "val")
        self.num_train = len(train[0])
        self._class_names = data.class_names if isinstance(data, Dataset) else ()
        self._targets = {"train": train[1], "val": val[1]}
        if self.preprocess is not None and not getattr(self.preprocess, "fitted", False):
            # The caller's own object may serve another Solver, with other numbers.
            self.preprocess = copy.copy(self.preprocess).fit(train[0])
        self.num_classes = check_training(model, self.preprocess, train, val, self.batch_size)
        self.metric: Metric = RSquared() if train[1].dtype.kind == "f" else Accuracy()
        self._sample_weights = check_sample_weights(sample_weights, self.num_train)
        self._trainer = self._make_trainer(
            loss_terms(model, train[1], self.num_classes, class_weights, label_smoothing)
        )
        self._train = self._trainer.place(*train)
        self._val = self._trainer.place(*val)
        if num_val_samples is not None:
            rows = sample_rows(len(val[0]), num_val_samples, 0)
            self._val = self._trainer.subset(self._val, rows)
            self._targets["val"] = val[1][rows]
        self._reset()
        self._scales(1, self.steps_per_epoch * self.num_epochs, self.num_epochs)

    def __repr__(self) -> str:
        return f"<Solver of {self.model!r} by {self.update_rule!r}: {self.step} steps done>"

    def _reset(self) -> None:
        """Empty the histories."""
        self.epoch = 0
        self.step = 0
        self._done_in_epoch = 0
        self.loss_history: list[Any] = []
        self.train_acc_history: list[Any] = []
        self.val_acc_history: list[Any] = []
        self.val_loss_history: list[Any] = []
        self.check_steps: list[int] = []
        self._best = Best(self.members, self.patience)
        self._divergence = Divergence(
            self.members, centred=self.preprocess is not None, y=self._targets["train"]
        )

    def train(self) -> None:
        """Train for `num_epochs` epochs, and leave the model with its best parameters.

        Called again, it trains on from those parameters for as many epochs more; runs that had
        stopped early wait anew.

        Raises:
            InputError: The training has diverged before, or the net's parameters were moved to
                another device or dtype since the Solver was made.
            KeyboardInterrupt: After Ctrl-C, at the next boundary, when all is in order: the
                accuracies are taken once more and the model holds its best parameters.

        Warns:
            DivergenceWarning: A loss became NaN or infinite. The run ends; of a stack, that
                member's run.

        """
        if self._has_diverged():
            raise InputError(
                f"this training diverged at step {self.diverged_at}: make a new Solver with a "
                "smaller learning rate"
            )
        backend = self._backend()
        self._best.be_patient()
        if isinstance(self.model, Net):
            self.model.preprocess = self.preprocess
            self.model.class_names = self._class_names
        with backend.context():
            self._trainer.begin(self._train, self._sample_weights)
            if not self.best_params:
                self._best.variables = copied(self._trainer.variables)
            last_epoch = self.epoch + self.num_epochs
            try:
                with interrupt_flag() as interrupt:
                    while not (self.epoch == last_epoch or interrupt.is_set or self._gone().all()):
                        self._train_epoch(interrupt, last_epoch)
            finally:  # whatever ends the training, what was learnt is not lost
                self._put_into_model(copied(self._best.variables))
                self._call("on_end")
        if interrupt.is_set:
            raise KeyboardInterrupt

    def check_accuracy(
        self, X: Any, y: Any, num_samples: int | None = None, batch_size: int = 100
    ) -> Any:
        """Return the share of samples whose label has the highest score, or R squared.

        Args:
            X: Inputs (N, d1, ..., dk), not preprocessed.
            y: Labels (N,), or real targets (N,) or (N, C).
            num_samples: Take the accuracy on so many samples, drawn without replacement.
            batch_size: Samples at once.

        Returns:
            A float; from a stack, an array of shape (members,).

        Raises:
            InputError: `X` or `y` does not fit the model.

        """
        X, y = host_pair(X, y, "X", "y")
        check_sample_shape(self.model, self.preprocess, X, "X")
        check_targets(y, self.num_classes, self._targets["train"], "y")
        batch_size = check_count("batch_size", batch_size)
        if num_samples is not None:
            num_samples = check_count("num_samples", num_samples)
        split = self._trainer.place(X, y)
        if num_samples is not None and num_samples < len(X):
            rows = sample_rows(len(X), num_samples, self.epoch)
            split, y = self._trainer.subset(split, rows), y[rows]
        state = self.model.state if isinstance(self.model, Net) else {}
        now = Variables(self.model.params, state)
        with self._backend().context():
            [(accuracy, _, _)] = self._trainer.evaluate(now, [split], [y], batch_size)
        return _plain(accuracy)

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of every sample of raw inputs, or the real targets that are predicted.

        The inputs are preprocessed first.

        `model.loss(X)` alone would take them as they are.

        Args:
            X: Inputs (N, d1, ..., dk), not preprocessed.

        Returns:
            An integer array of shape (N,), or (members, N) from a stack. Where the targets are
            real, floats of shape (N, C), or (N,) where the targets had that shape.

        Raises:
            InputError: `X` does not fit the model.

        """
        X, _ = host_pair(X, np.zeros(len(X), dtype=np.int64), "X", "y")
        check_sample_shape(self.model, self.preprocess, X, "X")
        batches = []
        for start in range(0, len(X), _CHECK_BATCH):
            prepared = transformed(self.preprocess, X[start : start + _CHECK_BATCH])
            batches.append(host_scores(self.model, prepared))
        scores = np.concatenate(batches, axis=-2)
        if isinstance(self.metric, Accuracy):
            return np.asarray(np.argmax(scores, axis=-1))
        return scores if self._targets["train"].ndim == 2 else scores[..., 0]

    @property
    def best_val_acc(self) -> Any:
        """The best validation accuracy, -inf before the first check; of a stack an array."""
        return _plain(self._best.score)

    @property
    def best_params(self) -> Params:
        """The parameters that reached it."""
        return self._best.variables.params

    @property
    def best_state(self) -> Params:
        """The state of the net's layers then."""
        return self._best.variables.state

    @property
    def steps_per_epoch(self) -> int:
        """The steps of an epoch: the batches that the training part fills."""
        return self.num_train // self.batch_size

    @property
    def diverged_at(self) -> Any:
        """The step whose loss was the first to be NaN or infinite, or None; a list for a stack."""
        return self._divergence.at

    @property
    def stopped_at(self) -> Any:
        """The step at which patience ended, or None; a list for a stack."""
        stopped = self._best.stopped
        steps = [int(step) or None for step in stopped.reshape(-1)]
        return steps if stopped.ndim else steps[0]

    def _make_trainer(self, terms: dict[str, Any]) -> NetTrainer | ModelTrainer:
        """Return the fast way for our nets with our rules, the notes' way for all others."""
        rule, config, model = self.update_rule, self.optim_config, self.model
        if not isinstance(rule, UpdateRule) and "learning_rate" in config:
            rate = config["learning_rate"]
            check_range("learning_rate", rate)
            config = {**config, "learning_rate": member_values("learning_rate", rate, self.members)}
        if isinstance(rule, UpdateRule):
            config = {
                name: member_values(name, value, self.members)
                for name, value in rule.check_hyperparameters(config).items()
            }
            if is_own_net(model):
                if self.compile:
                    check_compiler(model.backend)
                return NetTrainer(
                    model,
                    rule,
                    config,
                    self.metric,
                    self.preprocess,
                    terms=terms,
                    clip_norm=self.clip_norm,
                    compiled=self.compile,
                )
        if self._rate_scales.schedule is not constant and "learning_rate" not in config:
            raise InputError(
                "lr_schedule needs a learning rate to multiply: give it in optim_config, such as "
                "{'learning_rate': 1e-3}"
            )
        own = {"compile": self.compile, "sample_weights": self._sample_weights is not None, **terms}
        for name in [name for name, value in own.items() if value is not False]:
            raise InputError(
                f"{name} is for xpnet's own nets with its own update rules: leave it out"
            )
        return ModelTrainer(
            model, rule, config, self.members, self.metric, self.preprocess, self.clip_norm
        )

    def _train_epoch(self, interrupt: InterruptFlag, last_epoch: int) -> None:
        """Train to the end of the epoch, or to the boundary at which the run ends."""
        rows = epoch_rows(self.num_train, self.batch_size, self.seeds, self.epoch, self.sampling)
        done = self._done_in_epoch
        num_steps = self.step - done + len(rows) * (last_epoch - self.epoch)
        while done < len(rows):
            stop = min(len(rows), done + self._steps_to_boundary())
            scales = self._scales(stop - done, num_steps, last_epoch)
            losses = self._trainer.advance(rows[done:stop], scales, self.step + 1)
            self._record(losses, scales[-1])
            self.step += stop - done
            done = stop
            ends = done == len(rows)
            self.epoch += ends
            self._done_in_epoch = 0 if ends else done
            self._put_into_model(self._trainer.variables)
            if self._gone().all():
                return
            if (self.step - 1) % self.print_every == 0:
                self._print(iteration_line(self.step, num_steps, self.loss_history[-1]))
                self._call("on_interval")
            if self.step == 1 or ends or interrupt.is_set:
                self._check(scales[-1], ends_epoch=ends)
                accuracies = self.train_acc_history[-1], self.val_acc_history[-1]
                self._print(epoch_line(self.epoch, last_epoch, *accuracies, self.metric.short))
                self._stop_early(last_epoch)
            if ends:
                self._call("on_epoch")
            if interrupt.is_set:
                return

    def _steps_to_boundary(self) -> int:
        """Return the steps to the next one that is printed: 1, 1 + print_every, ..."""
        return self.print_every - (self.step - 1) % self.print_every

    def _scales(self, count: int, num_steps: int, num_epochs: int) -> np.ndarray:
        """Return what the learning rate is multiplied by at each of the next steps."""
        return self._rate_scales.at(
            self.step,
            count,
            steps_per_epoch=self.steps_per_epoch,
            num_steps=num_steps,
            num_epochs=num_epochs,
        )

    def _put_into_model(self, variables: Variables) -> None:
        """Bind the model's parameters and state anew."""
        self.model.params.update(variables.params)
        if isinstance(self.model, Net):
            self.model.state = dict(variables.state)

    def _gone(self) -> np.ndarray:
        """Return which runs have diverged or stopped early, of the member shape."""
        return np.asarray(self._divergence.gone | (self._best.stopped > 0))

    def _record(self, losses: np.ndarray, rate_scale: Any) -> None:
        """Append losses to the history, up to the step at which a run diverged."""
        first = self.step + 1
        # A run that has ended is left alone: what becomes of it later, nobody hears.
        self._divergence.look(np.where(self._gone(), 0.0, losses), first, self._rate(rate_scale))
        steps = first + np.arange(len(losses))
        ended = np.where(self._divergence.gone, self._divergence.steps, self._best.stopped)
        last = np.where(ended > 0, ended, steps[-1])
        if self.members is None:
            self.loss_history.extend(losses[steps <= last].tolist())
        else:
            kept = np.where(steps[:, None] <= last, losses, np.nan)
            self.loss_history.extend(kept.astype(np.float64))

    def _check(self, rate_scale: Any, *, ends_epoch: bool) -> None:
        """Take the accuracies and the validation loss, and keep the best parameters."""
        trainer, train, targets = self._trainer, self._train, dict(self._targets)
        if self.num_train_samples is not None and self.num_train_samples < self.num_train:
            rows = sample_rows(self.num_train, self.num_train_samples, self.epoch + 1)
            train, targets["train"] = trainer.subset(train, rows), targets["train"][rows]
        now = trainer.variables
        (train_acc, _, _), (val_acc, val_loss, finite) = trainer.evaluate(
            now, [train, self._val], [targets["train"], targets["val"]], _CHECK_BATCH
        )
        # A step can ruin the parameters after its own loss was taken.
        ruined = np.where(finite | self._gone(), 0.0, np.nan)
        self._divergence.look(ruined[None], self.step, self._rate(rate_scale))
        train_acc, val_acc, val_loss = (
            np.where(self._gone(), np.nan, values) for values in (train_acc, val_acc, val_loss)
        )
        self.train_acc_history.append(_plain(train_acc))
        self.val_acc_history.append(_plain(val_acc))
        self.val_loss_history.append(_plain(val_loss))
        self.check_steps.append(self.step)
        improved = self._best.look(val_acc, val_loss, ends_epoch=ends_epoch)
        self._best.keep(now, improved, self._backend())

    def _stop_early(self, num_epochs: int) -> None:
        """End the runs whose patience has ended, and say so."""
        newly = self._best.stop(self.step, ~self._gone())
        if newly.any():
            going = int((~self._gone()).sum())
            self._print(stop_line(self.epoch, num_epochs, self._best.patience, newly, going))

    def _rate(self, rate_scale: Any) -> Any:
        """Return the learning rate now, or None where the rule keeps it to itself."""
        rule = self.update_rule
        default = rule.defaults.get("learning_rate") if isinstance(rule, UpdateRule) else None
        rate = self.optim_config.get("learning_rate", default)
        return None if rate is None else np.asarray(rate) * rate_scale

    def _has_diverged(self) -> bool:
        """Whether no run goes on."""
        return bool(self._divergence.gone.all())

    def _backend(self) -> Backend:
        return backend_of(next(iter(self.model.params.values())))

    def _print(self, line: str) -> None:
        if self.verbose:
            print(line)

    def _call(self, event: str) -> None:
        for callback in self.callbacks:
            if hasattr(callback, event):
                getattr(callback, event)(self)


def _plain(value: np.ndarray) -> Any:
    """Return a Python float for a single net, and the array for a stack."""
    return float(value) if np.ndim(value) == 0 else value
