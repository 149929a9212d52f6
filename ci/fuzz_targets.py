"""What is fuzzed: everything that reads files, with valid files to begin from.

A target gets bytes, and either reads them or raises InputError. Anything else is a finding.
"""

import contextlib
import io
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors.numpy

import xpnet
from xpnet import FullyConnectedNet, InputError, Solver
from xpnet.data.npz import load_npz
from xpnet.data.unpickle import load_batch
from xpnet.diagnostics import Notice, Verdict, Watch, read_watch, write_watch
from xpnet.npy_arrays import read_npy
from xpnet.options import OneLineParser, add_options
from xpnet.pictures import PictureForm, read_picture
from xpnet.report.doctor_file import read_doctor
from xpnet.report.history_table import read_history
from xpnet.report.run_record import RunRecord
from xpnet.report.run_report import run_page
from xpnet.report.sweep_record import read_sweep as read_sweep_tables
from xpnet.report.sweep_report import sweep_page
from xpnet.run_config import arguments_of
from xpnet.sweep import sweep
from xpnet.sweep.state import read_state
from xpnet.tensor_files import read_tensors, tensor_bytes

__all__ = ["TARGETS", "Target", "try_target"]


class Target(NamedTuple):
    """A reader, and where to begin."""

    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes], None]


@cache
def folder() -> Path:
    """Return the folder of this process for the files that are tried."""
    return Path(tempfile.mkdtemp(prefix="xpnet-fuzz-"))


def file_of(content: bytes, name: str) -> Path:
    path = folder() / name
    path.write_bytes(content)
    return path


def make_solver(**options) -> Solver:
    """Return a Solver of a small stack with state, random draws and a rule with two slots."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((14, 4)).astype(np.float32), np.arange(14) % 3
    data = {"X_train": X[:8], "y_train": y[:8], "X_val": X[8:], "y_val": y[8:]}
    net = FullyConnectedNet(
        [2], 4, 3, normalization="batchnorm", dropout_keep_ratio=0.8, members=2, seed=[1, 2]
    )
    settings = {"update_rule": "adam", "batch_size": 4, "num_epochs": 1, "preprocess": "standard"}
    return Solver(net, data, verbose=False, **settings, **options)


@cache
def checkpoint() -> bytes:
    """Return a small checkpoint."""
    make_solver(checkpoint_name=folder() / "seed").train()
    return next(folder().glob("seed-*")).read_bytes()


def read_checkpoint(content: bytes) -> None:
    """Take a file as a net and as a training, and hold that what comes of it is finite."""
    path = file_of(content, "tried.safetensors")
    with contextlib.suppress(InputError):
        net = xpnet.load(path)
        assert all(np.isfinite(w).all() for w in (*net.params.values(), *net.state.values()))
        net.predict(np.zeros((2, net.input_dim), np.float32))
    solver = make_solver()
    solver.resume(path)
    solver.train()
    assert all(np.isfinite(w).all() for w in solver.model.params.values())


def read_header(content: bytes) -> None:
    """Put any JSON into a checkpoint's header, with a right digest."""
    try:
        header = json.loads(content)
        whole = tensor_bytes(arrays_and_header()[0], header)
    except (ValueError, RecursionError):
        return
    read_checkpoint(whole)


def read_arrays(content: bytes) -> None:
    """Put any arrays beside a checkpoint's header, with a right digest."""
    try:
        arrays = safetensors.numpy.load(content)
    except Exception:  # none of ours: only what safetensors takes for arrays is of interest
        return
    known, header = arrays_and_header()
    read_checkpoint(tensor_bytes({**known, **arrays}, header))


@cache
def arrays_and_header() -> tuple[dict[str, np.ndarray], dict[str, object]]:
    return read_tensors(file_of(checkpoint(), "known.safetensors"))


@cache
def sweep_state() -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Return what is known of a small sweep."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((14, 4)).astype(np.float32), np.arange(14) % 3
    data = {"X_train": X[:8], "y_train": y[:8], "X_val": X[8:], "y_val": y[8:]}
    path = folder() / "sweep.safetensors"
    sweep(data, {"reg": [0.0, 0.1]}, state=path, num_epochs=1, batch_size=4, hidden_dims=[2])
    return read_tensors(path)


def read_sweep(content: bytes) -> None:
    """Put any JSON into the header of a sweep's state, with a right digest."""
    try:
        header = json.loads(content)
        whole = tensor_bytes(sweep_state()[0], header)
        plan = header["plan"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return
    read_state(file_of(whole, "tried-sweep.safetensors"), plan)


@cache
def watch_record() -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Return the record of a small training that was watched."""
    path = folder() / "watch.safetensors"
    make_solver(callbacks=[Watch(1, say=lambda _: None, path=path)]).train()
    record = read_watch(path)
    verdict = Verdict("dead units", "warning", "found", "expected", "remedy")
    record.notices.append(Notice(1, verdict, record.layers[0], 1))
    write_watch(path, record)
    return read_tensors(path)


def read_watched(content: bytes) -> None:
    """Put any JSON into the header of a watch's record, with a right digest."""
    try:
        whole = tensor_bytes(watch_record()[0], json.loads(content))
    except (ValueError, RecursionError):
        return
    record = read_watch(file_of(whole, "tried-watch.safetensors"))
    write_watch(folder() / "again-watch.safetensors", record)


HISTORY = b"step,epoch,loss,train_acc,val_acc,val_loss\n1,0.5,2.3,0.1,0.2,2.4\n2,1.0,nan,,,\n"
RESULTS = (
    b"number,reg,seed,val_accuracy,train_accuracy,epoch,epochs,diverged_at,stopped_at\n"
    b"0,0.1,0,0.5,0.6,1.0,1.0,,\n1,1e-3,0,0.25,0.5,0.5,1.0,7,\n"
)
DIAGNOSIS = {
    "verdicts": [
        {"name": "labels", "status": "fault", "found": "none", "expected": "", "remedy": ""}
    ]
}


def read_own_history(content: bytes) -> None:
    """Make the page of a run of which there is no more than its history."""
    history = read_history(file_of(content, "history.csv"))
    chosen = {"learning_rate": 0.1, "lr_decay": 0.9, "num_epochs": 1, "update_rule": "sgd"}
    chosen |= {"batch_size": 1, "reg": 0.0, "lr_schedule": "cosine"}
    run_page(RunRecord(folder(), history, {}, chosen, "own", None, None))


def read_results(content: bytes) -> None:
    """Make the page of a sweep with these results."""
    file_of(content, "results.csv")
    file_of(b"number,epoch,val_accuracy\n0,1.0,0.5\n1,0.5,0.25\n", "curves.csv")
    told = {"varied": ["reg", "seed"], "repeats": [], "runs_each": 1, "remarks": []}
    file_of(json.dumps(told).encode(), "summary.json")
    sweep_page(*read_sweep_tables(folder()))


def read_diagnosis(content: bytes) -> None:
    read_doctor(file_of(content, "doctor.json"))


def read_config(content: bytes) -> None:
    """Take a file as config.toml, and its options as the command line would."""
    parser = OneLineParser(prog="fuzz", allow_abbrev=False)
    add_options(parser)
    arguments = arguments_of(file_of(content, "config.toml"), parser)
    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):
        parser.parse_args(arguments)


def read_cifar10(content: bytes) -> None:
    load_batch(file_of(content, "data_batch_1"))


def read_own_npz(content: bytes) -> None:
    load_npz(file_of(content, "own.npz"))


def read_own_npy(content: bytes) -> None:
    read_npy(file_of(content, "own.npy"))
    read_npy(file_of(content, "own.npy"), mapped=True)


def read_png(content: bytes) -> None:
    read_picture(file_of(content, "own.png"), PictureForm((3, 2, 2), 255.0), resize=True)


def saved(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def npz_seeds() -> list[bytes]:
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    parts = {"X_train": X, "y_train": y, "X_val": X[:4], "y_val": y[:4]}
    return [
        saved(lambda file: np.savez(file, X=X, y=y)),
        saved(lambda file: np.savez_compressed(file, **parts)),
        saved(lambda file: np.savez(file, X=X, y=np.asarray(["a", "b"] * 10))),
    ]


def png_seeds() -> list[bytes]:
    from PIL import Image

    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    return [saved(partial(picture.save, format=kind)) for kind in ("PNG", "GIF", "BMP")]


def batch_seeds() -> list[bytes]:
    """Return a batch as Python 2 wrote it, with two pictures."""
    data = bytes(range(256)) * 24
    return [
        b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x14testing batch 1 of 1q\x03U\x06labelsq\x04]q\x05"
        b"(K\x06K\x09eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\n"
        b"q\x08K\x00\x85U\x01b\x87Rq\x09(K\x01K\x02M\x00\x0c\x86cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01"
        b"\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T\x00\x18\x00\x00"
        + data
        + b"tbu."
    ]


TARGETS = {
    "checkpoint": Target(lambda: [checkpoint()], read_checkpoint),
    "header": Target(lambda: [json.dumps(arrays_and_header()[1]).encode()], read_header),
    "arrays": Target(lambda: [safetensors.numpy.save(arrays_and_header()[0])], read_arrays),
    "sweep": Target(lambda: [json.dumps(sweep_state()[1]).encode()], read_sweep),
    "watch": Target(lambda: [json.dumps(watch_record()[1]).encode()], read_watched),
    "history": Target(lambda: [HISTORY], read_own_history),
    "results": Target(lambda: [RESULTS], read_results),
    "doctor": Target(lambda: [json.dumps(DIAGNOSIS).encode()], read_diagnosis),
    "config": Target(
        lambda: [b'dataset = "digits"\nhidden-dims = [10, 5]\nreg = 1e-3\ncompile = false\n'],
        read_config,
    ),
    "cifar10": Target(batch_seeds, read_cifar10),
    "npz": Target(npz_seeds, read_own_npz),
    "npy": Target(lambda: [saved(lambda file: np.save(file, np.arange(6.0)))], read_own_npy),
    "picture": Target(png_seeds, read_png),
}


def try_target(name: str, content: bytes) -> None:
    """Let a target read bytes; whatever it raises but InputError comes through."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with contextlib.suppress(InputError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        TARGETS[name].read(content)
