"""The Solver: trains a net, or a stack of nets, on a data set.

Reference: Stanford CS231n, assignment 2 (`solver.py`), without its faults.
"""

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backends import Array, backend_of
from xpnet.best import Best
from xpnet.checkpoint import checkpoint_bytes
from xpnet.checkpoint_files import make_checkpoints
from xpnet.checks import (
    check_callbacks,
    check_clip_norm,
    check_config,
    check_count,
    check_count_or_none,
    refuse_unknown,
)
from xpnet.data import Dataset
from xpnet.data.batches import check_sampling, epoch_rows, sample_rows
from xpnet.data.dataset import picture_form
from xpnet.divergence import Divergence
from xpnet.errors import InputError
from xpnet.evaluation import scores_of_raw
from xpnet.history import History
from xpnet.host_arrays import host_split
from xpnet.interrupts import interrupt_flag
from xpnet.measured_parts import MeasuredParts
from xpnet.members import member_seeds, plain
from xpnet.metrics import Accuracy
from xpnet.model_variables import copied, put_into_model, variables_of
from xpnet.net_records import check_savable
from xpnet.nets import FullyConnectedNet, Net
from xpnet.optim import Rule, get_rule
from xpnet.preprocessing import Preprocessor, get_preprocessor
from xpnet.resuming import resume
from xpnet.run_identity import data_digest
from xpnet.schedules import RateScales, Schedule, constant
from xpnet.task import Task
from xpnet.trainers import base_rate, fitting_threads, make_trainer
from xpnet.training_loop import TrainingLoop
from xpnet.weighting import check_sample_weights, loss_terms

__all__ = ["Solver"]


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
        data: A `xpnet.data.Dataset`, or a mapping with `X_train` (N, d1, ..., dk), `y_train`,
            `X_val` and `y_val`. Targets are labels, integers (N,); or for regression, with the
            squared loss, floats (N,) or (N, C). Inputs go to the net's device as a whole, unless
            they are memory-mapped, as by `numpy.load(path, mmap_mode="r")`: then they stay in
            their file, and batches are read while the device works.
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
            batch. A net's `input_dim` is the number of features after it. None is the net's own,
            `model.preprocess`, where it has one, as a net that was loaded.
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
        compile: Compile the steps by PyTorch's compiler, which takes a minute or two first. JAX
            always compiles; NumPy and CuPy have no compiler.
        precision: "float32", or on NVIDIA's GPUs "tf32": the steps and the checks beside them may
            round the factors of a matrix product from 24 bits to 11, which tensor cores multiply
            faster; sums and all else stay float32. `predict`, `check_accuracy` and the net's own
            methods always keep all bits. CuPy rounds for two matrices, never for stacks of them.
        threads: Of the host's matrix products while it trains. None gives small nets on NumPy one,
            which is faster there, and leaves others what the library has.
        checkpoint_name: Write checkpoints to files whose paths begin so, such as "run/checkpoint":
            "run/checkpoint-00000840.safetensors" after 840 steps. Each is written at the end of an
            epoch, and at Ctrl-C and SIGTERM; `resume` goes on from one. None writes none.
        checkpoint_every: Epochs from one to the next, or None for the first end of an epoch that
            comes ten seconds or more after the last one, and in long epochs every minute. The
            training's end is always one.
        checkpoints_kept: How many of them stay.
        callbacks: Objects with any of `on_begin(solver)`, before the first step of a `train`;
            `on_interval(solver)`, every `print_every` steps; `on_epoch(solver)`, after the
            accuracies of an epoch; `on_checkpoint(solver)`, before one is written; and
            `on_end(solver)`. They may read `model.params`, and copy what they keep: later steps
            write into these arrays.

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
        metric: What the accuracies are: `xpnet.metrics.Accuracy`, or `RSquared`.
        threads: Of the host's matrix products while it trains; None for as many as there are.
        preprocess: The fitted preprocessor, or None; `predict` and `check_accuracy` use it.
        num_classes: The scores that the model gives a sample.
        seconds: That its training has taken, with checks, callbacks and what it was resumed from.

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
        precision: str = "float32",
        threads: int | None = None,
        checkpoint_name: str | Path | None = None,
        checkpoint_every: int | None = None,
        checkpoints_kept: int = 2,
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
        self.update_rule = get_rule(update_rule)
        self.optim_config = check_config(optim_config)
        self.patience = check_count_or_none("patience", patience)
        self.num_train_samples = check_count_or_none("num_train_samples", num_train_samples)
        self.num_val_samples = check_count_or_none("num_val_samples", num_val_samples)

        picture_shape = data.picture_shape if isinstance(data, Dataset) else None
        self._class_names = data.class_names if isinstance(data, Dataset) else ()
        preprocess = get_preprocessor(_or_own(preprocess, model), picture_shape)
        train, val = host_split(data, "train"), host_split(data, "val")
        self._task = Task(model, preprocess, train, val, self.batch_size)
        self.num_train = len(train[0])
        self._flat_targets = train[1].ndim == 1
        self._data_digest = data_digest(train, val)
        self._picture = picture_form(data) if isinstance(data, Dataset) else None
        self.preprocess = self._task.preprocess
        self.num_classes = self._task.num_classes
        self.metric = self._task.metric
        rates = RateScales(
            lr_decay, lr_schedule, self.members, self.steps_per_epoch, self.num_epochs
        )
        self._sample_weights = check_sample_weights(sample_weights, self.num_train)
        self._trainer = make_trainer(
            model,
            self.update_rule,
            self.optim_config,
            self.metric,
            self.preprocess,
            terms=loss_terms(model, train[1], self.num_classes, class_weights, label_smoothing),
            clip_norm=check_clip_norm(clip_norm, self.members),
            is_weighted=sample_weights is not None,
            is_scheduled=rates.schedule is not constant,
            compiled=compile,
            precision=precision,
        )
        self.precision = precision
        self.threads = check_count_or_none("threads", threads)
        if self.threads is None:
            self.threads = fitting_threads(model, self.batch_size)
        history = History(
            Best(self.members, self.patience),
            Divergence(self.members, centred=self.preprocess is not None, y=train[1]),
        )
        self.loss_history = history.loss
        self.train_acc_history = history.train_acc
        self.val_acc_history = history.val_acc
        self.val_loss_history = history.val_loss
        self.check_steps = history.check_steps
        self._best, self._divergence = history.best, history.divergence
        self._loop = TrainingLoop(
            self._trainer,
            MeasuredParts(self._trainer, train, val, self.num_train_samples, self.num_val_samples),
            history,
            rates,
            base_rate(self.update_rule, self.optim_config),
            partial(epoch_rows, self.num_train, self.batch_size, self.seeds, sampling=sampling),
            self.print_every,
            self.metric.short,
            bind=partial(put_into_model, model),
            say=self._print,
            call=self._call,
            keep=self._keep,
        )
        self._is_resumed = False
        self._paused: Any = None
        self.seconds = 0.0
        self._begun_at: float | None = None
        if checkpoint_name is not None and isinstance(model, FullyConnectedNet):
            check_savable(self.preprocess)
        self._checkpoints = make_checkpoints(checkpoint_name, checkpoint_every, checkpoints_kept)

    def __repr__(self) -> str:
        return f"<Solver of {self.model!r} by {self.update_rule!r}: {self.step} steps done>"

    def train(self, *, until: int | None = None) -> None:
        """Train for `num_epochs` epochs, and leave the model with its best parameters.

        Called again, it trains on from those parameters for as many epochs more; runs that had
        stopped early wait anew. After `resume` it trains as long as the training that it goes on
        with would have.

        Args:
            until: Pause when so many epochs are done in all; the next `train()` goes on to the
                bits of a training that was not paused. None trains to the end.

        Raises:
            InputError: The training has diverged before, the net's parameters were moved to
                another device or dtype since the Solver was made, there are checkpoints of that
                name from another training, or so many epochs are done already.
            KeyboardInterrupt: After Ctrl-C, at the next boundary, when all is in order: a
                checkpoint is written, the accuracies are taken once more and the model holds its
                best parameters.
            Terminated: Likewise after SIGTERM. It ends the program with status 143.

        Warns:
            DivergenceWarning: A loss became NaN or infinite. The run ends; of a stack, that
                member's run.
            CheckpointWarning: A checkpoint could not be written. The training goes on.

        """
        if self._divergence.gone.all():
            raise InputError(
                f"this training diverged at step {self.diverged_at}: begin another, with a "
                "smaller learning rate"
            )
        if until is not None and check_count("until", until) <= self.epoch:
            raise InputError(f"until must be above the {self.epoch} epochs done; got {until}")
        with nullcontext() if self._checkpoints is None else self._checkpoints.held():
            self._begun_at = time.perf_counter()
            try:
                self._train(until)
            finally:
                self.seconds, self._begun_at = self.seconds_until_now, None

    def _train(self, until: int | None) -> None:
        last_epoch = self._loop.last_epoch
        if not self._is_resumed:
            self._best.be_patient()
            last_epoch = self.epoch + self.num_epochs
        self._is_resumed = False
        if isinstance(self.model, Net):
            self.model.preprocess = self.preprocess
            self.model.class_names = self._class_names
            self.model.flat_targets = self._flat_targets
            self.model.picture = self._picture
        backend = backend_of(next(iter(self.model.params.values())))
        limit = nullcontext() if self.threads is None else backend.threads(self.threads)
        with limit, backend.context(self.precision):
            if self._paused is not None:
                self._trainer.go_on_from(self._paused)
                self._paused = None
            self._trainer.begin(self._loop.parts.train, self._sample_weights)
            if not self.best_params:
                self._best.variables = copied(self._trainer.variables)
            self._call("on_begin")
            try:
                with interrupt_flag() as interrupt:
                    self._loop.run(last_epoch, interrupt, until)
                    # Also where patience has ended all runs before: later calls are of this one.
                    if until is not None and until < last_epoch and not interrupt.is_set:
                        self._pause()
            finally:  # whatever ends the training, what was learnt is not lost
                put_into_model(self.model, copied(self._best.variables))
                self._call("on_end")
        interrupt.raise_if_set()

    def _pause(self) -> None:
        """Let the next `train()` go on from here, and not from the best parameters."""
        record, arrays = self._trainer.snapshot()
        self._paused = self._trainer.saved_state(arrays, record, self._loop.history.gone)
        self._is_resumed = True

    def resume(self, path: str | Path, *, num_epochs: int | None = None) -> None:
        """Take over the training of a checkpoint, so that `train()` goes on with it.

        Make the model and the Solver as they were: what a checkpoint depends on is compared with
        them, the data by a digest of some rows. On the same backend the run then gives the same
        bits as one that was never stopped; on another, numbers as near as rounding leaves them.
        Histories, counters and best parameters come back; the initial parameters of the model are
        replaced. Models that are not xpnet's get their `params` back, and nothing else.

        Args:
            path: A checkpoint, the `checkpoint_name` of several, or the folder that they are in: of
                these the newest that is not damaged.
            num_epochs: Train until so many epochs are done in all, and not as long as was meant
                first. Where no schedule depends on the length, the run is then that of a Solver
                that was made for it.

        Raises:
            InputError: The file is damaged, or is of another run; this Solver has taken steps; or
                there is no checkpoint.

        Warns:
            CheckpointWarning: A newer one is damaged.

        """
        resume(self, Path(path), check_count_or_none("num_epochs", num_epochs))

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
        X, y = self._task.checked_pair(X, y)
        batch_size = check_count("batch_size", batch_size)
        num_samples = check_count_or_none("num_samples", num_samples)
        split = self._trainer.place(X, y)
        if num_samples is not None and num_samples < len(X):
            rows = sample_rows(len(X), num_samples, self.epoch)
            split, y = self._trainer.subset(split, rows), y[rows]
        now = variables_of(self.model)
        with backend_of(next(iter(now.params.values()))).context():
            [(accuracy, _, _)] = self._trainer.evaluate(now, [split], [y], batch_size)
        return plain(accuracy)

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of every sample of raw inputs, or the real targets that are predicted.

        The inputs are preprocessed first; `model.loss(X)` alone would take them as they are.

        Args:
            X: Inputs (N, d1, ..., dk), not preprocessed.

        Returns:
            Integers of shape (N,); where the targets are real, floats of shape (N, C), or (N,)
            where the targets had that shape. From a stack with a leading axis of `members`.

        Raises:
            InputError: `X` does not fit the model.

        """
        X = self._task.checked_inputs(X)
        scores = scores_of_raw(self.model, self.preprocess, X)
        if isinstance(self.metric, Accuracy):
            return np.asarray(np.argmax(scores, axis=-1))
        return scores if self._task.y_train.ndim == 2 else scores[..., 0]

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self._loop.epoch

    @property
    def step(self) -> int:
        """Steps done."""
        return self._loop.step

    @property
    def last_epoch(self) -> int:
        """The epoch at whose end the training ends, or has ended, that was begun last; or 0."""
        return self._loop.last_epoch

    @property
    def seconds_until_now(self) -> float:
        """The seconds, with those of the training that is going on."""
        now = 0.0 if self._begun_at is None else time.perf_counter() - self._begun_at
        return self.seconds + now

    @property
    def checkpoint_error(self) -> str:
        """Why the last checkpoint could not be written, or ""."""
        return "" if self._checkpoints is None else self._checkpoints.error

    @property
    def best_val_acc(self) -> Any:
        """The best validation accuracy, -inf before the first check; of a stack an array."""
        return plain(self._best.score)

    @property
    def best_params(self) -> dict[str, Array]:
        """The parameters that reached it."""
        return self._best.variables.params

    @property
    def best_state(self) -> dict[str, Array]:
        """The state of the net's layers then; empty where they have none."""
        return self._best.variables.state

    @property
    def steps_per_epoch(self) -> int:
        """The steps of an epoch: the batches that the training part fills."""
        return self.num_train // self.batch_size

    @property
    def diverged_at(self) -> Any:
        """The step whose loss was the first to be NaN or infinite, or None.

        Of a stack, a list with one such value a member. A member that diverges is left alone from
        then on, with NaN in its histories.
        """
        return self._divergence.at

    @property
    def stopped_at(self) -> Any:
        """The step at which patience ended, or None.

        Of a stack, a list with one such value a member. A member that stops keeps its best
        parameters, with NaN in its histories from then on.
        """
        return self._best.stopped_at

    def _print(self, line: Callable[..., str], *told: Any) -> None:
        if self.verbose:
            print(line(*told))

    def _keep(self, must: bool, ends_epoch: bool) -> None:
        """Write a checkpoint where one is due."""
        if self._checkpoints is None:
            return
        if must or self._checkpoints.are_due(self.epoch, ends_epoch=ends_epoch):
            self._call("on_checkpoint")
            self._checkpoints.write(partial(checkpoint_bytes, self), self.step)

    def _call(self, event: str) -> None:
        for callback in self.callbacks:
            if hasattr(callback, event):
                getattr(callback, event)(self)


def _or_own(preprocess: str | Preprocessor | None, model: Any) -> str | Preprocessor | None:
    """Return the preprocessing asked for, or what a net that was trained before needs."""
    return model.preprocess if preprocess is None and isinstance(model, Net) else preprocess
