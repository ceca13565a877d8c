"""Insights at size: a million offers a day, thirty days; a page and a workbook of 50,000 rows."""
