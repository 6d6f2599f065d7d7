"""The report: one self-contained HTML page made of tracked cells alone."""

from benchmark.report_page.page import write_report

__all__ = ["write_report"]
