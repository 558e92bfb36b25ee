"""What is said about dependencies, and held against a policy."""
