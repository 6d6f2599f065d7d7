"""The report: one self-contained HTML page, made only from tracked cells."""

from benchmark.report_page.page import write_report

__all__ = ["write_report"]
