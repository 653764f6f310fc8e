"""The report that a council can read: one HTML file, to be read on a screen or printed."""

from technobelt.report.page import write_report

__all__ = ["write_report"]
