"""report.html: a run or a sweep as one page that any browser shows, without a network."""

from xpnet.report.run_report import write_run_report
from xpnet.report.sweep_report import write_sweep_report

__all__ = ["write_run_report", "write_sweep_report"]
