"""Flows: the standard pipeline, the customers that use it, streams and operations."""
