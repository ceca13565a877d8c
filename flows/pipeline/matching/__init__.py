"""Matching: which competitor offer is which own product."""
