"""HTML reports from certificate files alone."""

from verifier.report.page import render, write_report

__all__ = ["render", "write_report"]
