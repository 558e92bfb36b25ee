"""The lake: Delta tables in a folder, and what is known about each run."""
