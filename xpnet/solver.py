"""The Solver: trains a net, or a stack of nets, on a data set.

Reference: Stanford CS231n, assignment 2 (`solver.py`), without its faults.
"""

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xpnet.backends import Array, Backend, backend_of
from xpnet.checks import (
    check_callbacks,
    check_compiler,
    check_config,
    check_count,
    check_sample_shape,
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
from xpnet.history_lines import epoch_line, iteration_line
from xpnet.interrupts import InterruptFlag, interrupt_flag
from xpnet.losses import check_labels
from xpnet.members import member_seeds, member_values, per_member
from xpnet.model_trainer import ModelTrainer
from xpnet.net_trainer import NetTrainer
from xpnet.nets import Net, is_own_net
from xpnet.optim import Rule, UpdateRule, check_range, get_rule
from xpnet.preprocessing import Preprocessor, get_preprocessor, transformed

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
        preprocess: None, "mean", or a `xpnet.preprocessing.Preprocessor`; fitted on the training
            part, and applied to each batch.
        compile: Compile the steps by PyTorch's compiler, which takes half a minute first. JAX
            always compiles; NumPy and CuPy have no compiler.
        callbacks: Objects with any of `on_interval(solver)`, every `print_every` steps;
            `on_epoch(solver)`, after the accuracies of an epoch; `on_end(solver)`. They may read
            `model.params`, and copy what they keep: later steps write into these arrays.

    The members of a stack start alike unless the net was given several seeds or scales. With a
    stack, the values of `optim_config`, `lr_decay` and `seed` may be sequences, one value a
    member.

    Attributes:
        loss_history: The loss of every step.
        train_acc_history, val_acc_history, val_loss_history: A value for each check. The validation
            loss has the regularisation in it, as `loss_history` has; NaN where the model or the
            rule is not xpnet's.
        check_steps: The step of each check.
        best_val_acc: The best validation accuracy, -inf before the first check.
        best_params: The parameters that reached it.
        preprocess: The fitted preprocessor, or None; `predict` and `check_accuracy` use it.
        num_classes: The scores that the model gives a sample.
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
        self.lr_decay = member_values("lr_decay", lr_decay, self.members)
        if not np.all(np.isfinite(self.lr_decay) & (np.asarray(self.lr_decay) > 0)):
            raise InputError(f"lr_decay must be a positive number; got {lr_decay!r}")
        self.update_rule = get_rule(update_rule)
        self.optim_config = check_config(optim_config)
        self.preprocess = get_preprocessor(preprocess)
        self.compile = compile

        for name, count in (
            ("num_train_samples", num_train_samples),
            ("num_val_samples", num_val_samples),
        ):
            if count is not None:
                check_count(name, count)
        self.num_train_samples = num_train_samples
        train, val = host_split(data, "train"), host_split(data, "val")
        self.num_train = len(train[0])
        if self.preprocess is not None:
            # The caller's own object may serve another Solver, with other numbers.
            self.preprocess = copy.copy(self.preprocess).fit(train[0])
        self.num_classes = check_training(model, self.preprocess, train, val, self.batch_size)
        self._trainer = self._make_trainer()
        self._train = self._trainer.place(*train)
        self._val = self._trainer.place(*val)
        if num_val_samples is not None:
            rows = sample_rows(len(val[0]), num_val_samples, 0)
            self._val = self._trainer.subset(self._val, rows)
        self._reset()

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
        shape = () if self.members is None else (self.members,)
        self.best_val_acc: Any = _plain(np.full(shape, -np.inf))
        self._best_val_loss = np.full(shape, np.inf)
        self.best_params: Params = {}
        self._divergence = Divergence(self.members, centred=self.preprocess is not None)

    def train(self) -> None:
        """Train for `num_epochs` epochs, and leave the model with its best parameters.

        Called again, it trains on from those parameters for as many epochs more.

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
        with backend.context():
            self._trainer.begin(self._train)
            if not self.best_params:
                self.best_params = self._trainer.copy_params()
            last_epoch = self.epoch + self.num_epochs
            try:
                with interrupt_flag() as interrupt:
                    while not (
                        self.epoch == last_epoch or interrupt.is_set or self._has_diverged()
                    ):
                        self._train_epoch(interrupt, last_epoch)
            finally:  # whatever ends the training, what was learnt is not lost
                best = {name: backend.copy(w) for name, w in self.best_params.items()}
                self.model.params.update(best)
                self._call("on_end")
        if interrupt.is_set:
            raise KeyboardInterrupt

    def check_accuracy(
        self, X: Any, y: Any, num_samples: int | None = None, batch_size: int = 100
    ) -> Any:
        """Return the share of samples whose label has the highest score.

        Args:
            X: Inputs (N, d1, ..., dk), not preprocessed.
            y: Labels (N,).
            num_samples: Take the accuracy on so many samples, drawn without replacement.
            batch_size: Samples at once.

        Returns:
            A float; from a stack, an array of shape (members,).

        Raises:
            InputError: `X` or `y` does not fit the model.

        """
        X, y = host_pair(X, y, "X", "y")
        check_sample_shape(self.model, X, "X")
        check_labels(y, self.num_classes, "y")
        batch_size = check_count("batch_size", batch_size)
        if num_samples is not None:
            num_samples = check_count("num_samples", num_samples)
        split = self._trainer.place(X, y)
        if num_samples is not None and num_samples < len(X):
            rows = sample_rows(len(X), num_samples, self.epoch)
            split = self._trainer.subset(split, rows)
        with self._backend().context():
            [(accuracy, _, _)] = self._trainer.evaluate(self.model.params, [split], batch_size)
        return _plain(accuracy)

    def predict(self, X: Any) -> np.ndarray:
        """Return the class number of every sample of raw inputs, which are preprocessed first.

        `model.loss(X)` alone would take them as they are.

        Args:
            X: Inputs (N, d1, ..., dk), not preprocessed.

        Returns:
            An integer array of shape (N,), or (members, N) from a stack.

        Raises:
            InputError: `X` does not fit the model.

        """
        X, _ = host_pair(X, np.zeros(len(X), dtype=np.int64), "X", "y")
        check_sample_shape(self.model, X, "X")
        batches = []
        for start in range(0, len(X), _CHECK_BATCH):
            prepared = transformed(self.preprocess, X[start : start + _CHECK_BATCH])
            batches.append(np.argmax(host_scores(self.model, prepared), axis=-1))
        return np.concatenate(batches, axis=-1)

    @property
    def steps_per_epoch(self) -> int:
        """The steps of an epoch: the batches that the training part fills."""
        return self.num_train // self.batch_size

    @property
    def diverged_at(self) -> Any:
        """The step whose loss was the first to be NaN or infinite, or None; a list for a stack."""
        return self._divergence.at

    def _make_trainer(self) -> NetTrainer | ModelTrainer:
        """Return the fast way for our nets with our rules, the notes' way for all others."""
        rule, config, model = self.update_rule, self.optim_config, self.model
        if not isinstance(rule, UpdateRule) and "learning_rate" in config:
            check_range("learning_rate", config["learning_rate"])
        if isinstance(rule, UpdateRule):
            config = {
                name: member_values(name, value, self.members)
                for name, value in rule.check_hyperparameters(config).items()
            }
            if is_own_net(model):
                if self.compile:
                    check_compiler(model.backend)
                return NetTrainer(model, rule, config, self.preprocess, compiled=self.compile)
        if self.compile:
            raise InputError(
                "compile=True is for xpnet's own nets with its own update rules: leave it out"
            )
        return ModelTrainer(model, rule, config, self.members, self.preprocess)

    def _train_epoch(self, interrupt: InterruptFlag, last_epoch: int) -> None:
        """Train to the end of the epoch, or to the boundary at which the run ends."""
        rows = epoch_rows(self.num_train, self.batch_size, self.seeds, self.epoch, self.sampling)
        rate_scale = self.lr_decay**self.epoch
        done = self._done_in_epoch
        num_steps = self.step - done + len(rows) * (last_epoch - self.epoch)
        while done < len(rows):
            stop = min(len(rows), done + self._steps_to_boundary())
            losses = self._trainer.advance(rows[done:stop], rate_scale, self.step + 1)
            self._record(losses, rate_scale)
            self.step += stop - done
            done = stop
            ends = done == len(rows)
            self.epoch += ends
            self._done_in_epoch = 0 if ends else done
            self.model.params.update(self._trainer.params)
            if self._has_diverged():
                return
            if (self.step - 1) % self.print_every == 0:
                self._print(iteration_line(self.step, num_steps, self.loss_history[-1]))
                self._call("on_interval")
            if self.step == 1 or ends or interrupt.is_set:
                self._check(rate_scale)
                accuracies = self.train_acc_history[-1], self.val_acc_history[-1]
                self._print(epoch_line(self.epoch, last_epoch, *accuracies))
            if ends:
                self._call("on_epoch")
            if interrupt.is_set:
                return

    def _steps_to_boundary(self) -> int:
        """Return the steps to the next one that is printed: 1, 1 + print_every, ..."""
        return self.print_every - (self.step - 1) % self.print_every

    def _record(self, losses: np.ndarray, rate_scale: Any) -> None:
        """Append losses to the history, up to the step at which a run diverged."""
        first = self.step + 1
        self._divergence.look(losses, first, self._rate(rate_scale))
        steps = first + np.arange(len(losses))
        last = np.where(self._divergence.gone, self._divergence.steps, steps[-1])
        if self.members is None:
            self.loss_history.extend(losses[steps <= last].tolist())
        else:
            kept = np.where(steps[:, None] <= last, losses, np.nan)
            self.loss_history.extend(kept.astype(np.float64))

    def _check(self, rate_scale: Any) -> None:
        """Take the accuracies and the validation loss, and keep the best parameters."""
        trainer, train = self._trainer, self._train
        if self.num_train_samples is not None and self.num_train_samples < self.num_train:
            rows = sample_rows(self.num_train, self.num_train_samples, self.epoch + 1)
            train = trainer.subset(train, rows)
        (train_acc, _, _), (val_acc, val_loss, finite) = trainer.evaluate(
            trainer.params, [train, self._val], _CHECK_BATCH
        )
        # A step can ruin the parameters after its own loss was taken.
        ruined = np.where(finite, 0.0, np.nan)
        self._divergence.look(ruined[None], self.step, self._rate(rate_scale))
        train_acc, val_acc, val_loss = (
            np.where(self._divergence.gone, np.nan, values)
            for values in (train_acc, val_acc, val_loss)
        )
        self.train_acc_history.append(_plain(train_acc))
        self.val_acc_history.append(_plain(val_acc))
        self.val_loss_history.append(_plain(val_loss))
        self.check_steps.append(self.step)
        improved = (val_acc > self.best_val_acc) | (
            (val_acc == self.best_val_acc) & (val_loss < self._best_val_loss)
        )
        self.best_val_acc = _plain(np.where(improved, val_acc, self.best_val_acc))
        self._best_val_loss = np.where(improved, val_loss, self._best_val_loss)
        self._keep(improved)

    def _keep(self, improved: np.ndarray) -> None:
        """Copy the parameters of the members that improved into the best ones."""
        if improved.all():
            self.best_params = self._trainer.copy_params()
        elif improved.any():
            backend = self._backend()
            mask = backend.asarray(improved)
            self.best_params = {
                name: backend.xp.where(per_member(mask, w), w, self.best_params[name])
                for name, w in self._trainer.params.items()
            }

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
