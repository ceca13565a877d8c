"""The steps of capture: with flow.py, all of it that knows the platform."""
