"""Hands in an account: auto-scaling groups by colour, CodeDeploy for the server, its hooks."""
