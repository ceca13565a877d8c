"""The controller: Prefect's server, its database, nginx in front, and what runs beside them.

On one machine `make up` starts all of it, without containers (`python -m infra.controller up`).
"""
