"""The stream of prices under load, and under kills."""
