"""Jobs: the only place where the pure parts meet the lake."""
