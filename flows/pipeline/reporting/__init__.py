"""Reporting: a day's marts as a page and a workbook that people act on."""
