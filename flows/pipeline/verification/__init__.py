"""Verification: people decide what the matcher would not, on a page that keeps up with them."""
