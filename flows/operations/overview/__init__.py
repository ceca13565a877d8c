"""The overview: one page of how the whole platform stands, made from what is in the store."""
