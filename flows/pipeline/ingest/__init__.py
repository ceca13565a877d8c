"""Ingest: price files as they come, row by row, as text with their faults."""
