"""How a training is watched: a bar on a terminal, a few lines elsewhere."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from xpnet import progress
from xpnet.metrics import Accuracy, RSquared
from xpnet.progress import Lines, ProgressBar, watch


def solver_at(epoch, step=1, val_acc=(0.25,), stopped_at=None, metric=None):
    """Return what a callback reads of a Solver."""
    return SimpleNamespace(
        epoch=epoch,
        step=step,
        loss_history=[9.0, 0.125],
        train_acc_history=[0.75],
        val_acc_history=list(val_acc),
        stopped_at=stopped_at,
        patience=3,
        metric=Accuracy() if metric is None else metric,
    )


class FakeBar:
    """A tqdm that writes down what it is told."""

    made: "list[FakeBar]" = []  # noqa: RUF012

    def __init__(self, *, total, **_kwargs):
        self.total, self.n, self.shown, self.closed = total, 0, [], False
        self.lines = []
        self.made.append(self)

    def set_postfix(self, figures, **_kwargs):
        self.shown.append(dict(figures))

    def update(self, steps):
        self.n += steps

    def write(self, line, **_kwargs):
        self.lines.append(line)

    def close(self):
        self.closed = True


@pytest.fixture
def fake_bar(monkeypatch):
    monkeypatch.setattr(FakeBar, "made", [])
    monkeypatch.setattr(progress, "tqdm", FakeBar)
    return FakeBar


@pytest.mark.parametrize(
    ("out", "err", "kind"),
    [(True, True, ProgressBar), (True, False, Lines), (False, True, Lines), (False, False, Lines)],
)
@pytest.mark.usefixtures("fake_bar", "capsys")
def test_a_bar_where_both_streams_are_a_terminal(out, err, kind, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: out)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: err)
    assert type(watch(3, 14)) is kind


def test_the_bar_counts_the_steps_and_shows_the_last_figures(fake_bar):
    bar = ProgressBar(2, 14)
    bar.on_interval(solver_at(0, step=1, val_acc=()))
    bar.on_interval(solver_at(0, step=11))
    bar.on_epoch(solver_at(1, step=14))
    bar.on_epoch(solver_at(2, step=28))
    bar.on_end(solver_at(2, step=28))
    [drawn] = fake_bar.made
    assert (drawn.total, drawn.n, drawn.closed) == (28, 28, True)
    assert drawn.shown[0] == {"loss": "0.1250"}
    assert drawn.shown[-1] == {"loss": "0.1250", "val_acc": "0.2500"}


def test_a_bar_that_never_began_ends_without_a_complaint(fake_bar):
    ProgressBar(2, 14).on_end(solver_at(0))
    assert all(drawn.closed for drawn in fake_bar.made)


def epochs_printed(num_epochs, capsys):
    """Return the numbers of the epochs that have a line."""
    lines = Lines(num_epochs)
    for epoch in range(1, num_epochs + 1):
        lines.on_epoch(solver_at(epoch))
    printed = capsys.readouterr().out.splitlines()
    return [int(line.split()[1]) for line in printed]


@pytest.mark.parametrize("num_epochs", [*range(1, 64), 99, 100, 101, 399, 401, 1000, 1999])
def test_at_most_twenty_lines_and_always_the_first_and_last_epoch(num_epochs, capsys):
    printed = epochs_printed(num_epochs, capsys)
    assert 1 <= len(printed) <= 21
    assert printed[0] == 1
    assert printed[-1] == num_epochs
    assert printed == sorted(set(printed))


@pytest.mark.parametrize("num_epochs", [1, 7, 20])
def test_up_to_twenty_epochs_have_a_line_each(num_epochs, capsys):
    assert epochs_printed(num_epochs, capsys) == list(range(1, num_epochs + 1))


def test_a_line_says_loss_and_accuracies(capsys):
    Lines(2).on_epoch(solver_at(2))
    out, err = capsys.readouterr()
    assert out == "(Epoch 2 / 2) loss: 0.125000; train acc: 0.750000; val_acc: 0.250000\n"
    assert err == ""


def test_a_line_of_a_regression_says_r2(capsys):
    Lines(2).on_epoch(solver_at(2, metric=RSquared()))
    assert "train R2: 0.750000; val_R2: 0.250000\n" in capsys.readouterr().out


def test_the_bar_of_a_regression_says_r2(fake_bar):
    ProgressBar(2, 14).on_interval(solver_at(0, metric=RSquared()))
    assert fake_bar.made[0].shown == [{"loss": "0.1250", "val_R2": "0.2500"}]


def test_the_epoch_that_ends_the_patience_has_its_line(capsys):
    lines = Lines(100)
    lines.on_epoch(solver_at(7))
    assert capsys.readouterr().out == ""
    lines.on_epoch(solver_at(7, step=49, stopped_at=49))
    assert capsys.readouterr().out.startswith("(Epoch 7 / 100) loss: ")


def run_on_a_terminal(*options):
    """Return exit status and text of a training on a terminal 150 columns wide."""
    pty = pytest.importorskip("pty")
    termios = pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (24, 150))
    command = [sys.executable, "-W", "error", "-m", "xpnet.train", *options]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        text = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so that the other end is closed
                break
            if not piece:
                break
            text += piece
        status = process.wait()
    os.close(ours)
    return status, text.decode()


def columns_overwritten(text):
    """Return the lines as they stand in the end, each carriage return going back to the start."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        shown = ""
        for piece in line.split("\r"):
            shown = piece + shown[len(piece) :]
        lines.append(shown)
    return lines


@pytest.fixture(scope="module")
def terminal_run():
    return run_on_a_terminal("--num-epochs", "100")


def test_the_bar_on_a_real_terminal_shows_loss_and_accuracy(terminal_run):
    status, text = terminal_run
    assert status == 0
    assert "/1400 [" in text
    assert "loss=" in text
    assert "val_acc=" in text
    assert "(Epoch 1 / 100) loss: " in text
    assert "(Epoch 100 / 100) loss: " in text
    assert "test accuracy 0.9" in text


def test_the_bar_leaves_the_other_lines_whole(terminal_run):
    _, text = terminal_run
    shown = columns_overwritten(text)
    assert not [line for line in shown if "step/s" in line]
    assert any(line.startswith("xpnet ") for line in shown)
    assert any(line.startswith("trained ") for line in shown)


def test_a_refusal_on_a_terminal_stands_alone():
    status, text = run_on_a_terminal("--learning-rate", "0")
    assert status == 2
    shown = [line for line in columns_overwritten(text) if line.strip()]
    assert len(shown) == 1
    assert shown[0].startswith("xpnet.train: error: ")
    assert "step/s" not in text
