"""The marts where people ask them: a DuckDB file over the store, and PostgreSQL for Superset."""
