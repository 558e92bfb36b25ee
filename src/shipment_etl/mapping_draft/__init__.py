"""Mapping draft: looks at a sample of a file, and drafts the mapping that lands it, with the evidence for each line."""
