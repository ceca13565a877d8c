"""Normalising: raw price rows become typed offers, and what cannot be used is set aside."""
