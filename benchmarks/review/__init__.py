"""The review page under load."""
