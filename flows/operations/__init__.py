"""The platform's own flows and commands: a customer's day by hand, housekeeping, backfill."""
