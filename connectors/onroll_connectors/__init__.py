"""One file per system we read or write."""
