"""What the platform forgets: old runs, logs and events in the database, old log files."""
