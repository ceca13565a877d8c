"""Alerting: a customer's rules held against the day's marts; what is new is told, once."""
