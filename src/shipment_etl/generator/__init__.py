"""Generate: synthetic shipments, each row a function of its number."""
