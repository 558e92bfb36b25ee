"""Ingest: files land unchanged, and a mapping says what their columns mean."""
