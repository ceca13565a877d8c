"""Canary, watch and reconciler at full numbers."""
