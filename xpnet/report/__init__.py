"""report.html: a run or a sweep as one page that any browser shows, without a network."""

from xpnet.report.run_report import run_report, write_run_report

__all__ = ["run_report", "write_run_report"]
