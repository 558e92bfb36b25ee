"""The lake: Delta tables in a folder or on S3, and the log of runs."""
