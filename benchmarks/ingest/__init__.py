"""How a price file of any size is taken in."""
