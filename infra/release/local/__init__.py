"""Hands on one machine: process workers, servers on one PostgreSQL, nginx in front."""
