"""Jobs: the only code that applies the pure functions to a lake."""
