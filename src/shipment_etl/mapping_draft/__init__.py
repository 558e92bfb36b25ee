"""Mapping draft: drafts the mapping for a file from a sample of it, with the evidence for each line."""
