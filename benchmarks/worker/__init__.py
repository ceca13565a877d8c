"""How long runs wait for a process, and how many a worker starts."""
