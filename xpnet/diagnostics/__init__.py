"""What is wrong with a training, and what to change."""

from xpnet.diagnostics.diagnosis import Diagnosis
from xpnet.diagnostics.examination import diagnose
from xpnet.diagnostics.histogram import BINS, EDGES
from xpnet.diagnostics.layer_statistics import STATISTICS, layer_statistics
from xpnet.diagnostics.validation_statistics import validation_statistics
from xpnet.diagnostics.verdict import Verdict
from xpnet.diagnostics.watch import Watch
from xpnet.diagnostics.watch_file import read_watch, write_watch
from xpnet.diagnostics.watch_record import WATCH, WATCHED, Notice, WatchRecord

__all__ = [
    "BINS",
    "EDGES",
    "STATISTICS",
    "WATCH",
    "WATCHED",
    "Diagnosis",
    "Notice",
    "Verdict",
    "Watch",
    "WatchRecord",
    "diagnose",
    "layer_statistics",
    "read_watch",
    "validation_statistics",
    "write_watch",
]
