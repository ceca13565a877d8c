"""One short file per customer: which stages, in which order, on which conditions."""
