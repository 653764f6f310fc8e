"""The report that a council can read: one HTML file, to be read on a screen or printed; and PDF."""

from technobelt.report.page import write_report
from technobelt.report.pdf import pdf_converter, write_pdf

__all__ = ["pdf_converter", "write_pdf", "write_report"]
