"""What a sweep leaves in a folder: tables, the best net, and a picture."""

import io
import json
import math
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpnet.errors import InputError
from xpnet.report.sweep_report import write_sweep_report
from xpnet.run_config import CONFIG
from xpnet.run_folder import REPORT
from xpnet.saving import BEST, net_bytes
from xpnet.whole_files import write_whole

if TYPE_CHECKING:
    from xpnet.sweep import SweepResult

__all__ = [
    "STATE",
    "begin_folder",
    "read_arguments",
    "refuse_other_sweep",
    "write_sweep",
]

STATE = "state.safetensors"
_ARGUMENTS = "arguments.json"

_RESULTS, _CURVES, _SUMMARY, _PICTURE = "results.csv", "curves.csv", "summary.json", "sweep.png"
_CONFIGURATIONS, _NOTICES = "configurations.csv", "notices.csv"
_BEST = "best"  # a folder, as of a run
_ALL = (
    *(_ARGUMENTS, STATE, _RESULTS, _CONFIGURATIONS, _NOTICES, _CURVES, _SUMMARY, _PICTURE, REPORT),
    *(f"{_BEST}/{BEST}", f"{_BEST}/{CONFIG}"),
)


def refuse_other_sweep(folder: Path) -> None:
    """Raise InputError if the folder holds a sweep or a run."""
    for name in (_ARGUMENTS, _RESULTS, _SUMMARY, STATE, BEST, CONFIG):
        if (folder / name).exists():
            raise InputError(
                f"{folder} holds a sweep or a run already ({name}): replace it by --overwrite, or "
                "choose another --out DIR"
            )


def begin_folder(folder: Path, words: list[str]) -> None:
    """Remove what an earlier sweep has left, and note what this one was asked for."""
    for name in _ALL:
        (folder / name).unlink(missing_ok=True)
    kept = [word for word in words if word != "--overwrite"]
    write_whole(folder / _ARGUMENTS, (json.dumps(kept, indent=1) + "\n").encode())


def read_arguments(folder: Path) -> list[str]:
    """Return what a sweep was asked for.

    Raises:
        InputError: The folder holds no sweep.

    """
    path = folder / _ARGUMENTS
    if not path.is_file() or path.is_symlink():
        raise InputError(
            f"{folder} holds no sweep, as there is no {_ARGUMENTS} in it: give the folder of an "
            "earlier --out"
        )
    try:
        words = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: begin the sweep anew") from error
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"{path} is damaged: begin the sweep anew")
    return words


def write_sweep(
    folder: Path, result: "SweepResult", told: dict[str, Any], config: str | None
) -> list[str]:
    """Write all, and return the names of the files.

    Args:
        folder: The sweep's.
        result: What was found.
        told: What the summary says besides.
        config: The config.toml that makes the best net again, or None where there is no net.

    """
    write_whole(folder / _RESULTS, result.to_csv().encode())
    write_whole(folder / _CURVES, result.curves_to_csv().encode())
    names = [_RESULTS, _CURVES, _SUMMARY]
    if result.repeats:
        write_whole(folder / _CONFIGURATIONS, result.configurations_to_csv().encode())
        names.append(_CONFIGURATIONS)
    if result.notices:
        write_whole(folder / _NOTICES, result.notices_to_csv().encode())
        names.append(_NOTICES)
    if result.best_model is not None and config is not None:
        (folder / _BEST).mkdir(exist_ok=True)
        write_whole(folder / _BEST / BEST, net_bytes(result.best_model))
        write_whole(folder / _BEST / CONFIG, config.encode())
        names.append(f"{_BEST}/")
    summary = {
        **told,
        "nets": len(result.rows),
        "configurations": len(result.configurations),
        "runs_each": result.runs_each,
        "varied": result.names,
        "repeats": list(result.repeats),
        "best": result.best if result.best_model is not None else None,
        "metric": result.metric,
        "refit_accuracy": result.refit_accuracy,
        "test_accuracy": result.test_accuracy,
        "seconds": result.seconds,
        "remarks": result.remarks(),
    }
    summary = {name: _finite(value) for name, value in summary.items()}
    write_whole(folder / _SUMMARY, (json.dumps(summary, indent=2) + "\n").encode())
    if find_spec("matplotlib") is not None and result.curves:
        # matplotlib takes most of a second to import, and is optional
        from xpnet.sweep.plot import plot_sweep  # noqa: PLC0415

        content = io.BytesIO()
        plot_sweep(result, content)
        write_whole(folder / _PICTURE, content.getvalue())
        names.append(_PICTURE)
    names.append(write_sweep_report(folder, result, summary).name)
    return names


def _finite(value: Any) -> Any:
    """Return a value as JSON has it: there is no NaN."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
