"""The watch: stands outside Prefect and looks at it from there.

A plain process with one file of configuration; it needs none of what it watches. What it finds it
tells by its own path, and it is itself watched, by its heartbeat.
"""
