"""Insights: what the matched prices say, every figure with its definition."""
