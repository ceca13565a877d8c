"""The standard stages of a day of price intelligence."""
