"""Ingest: files of others land as they are, and a mapping says what their columns mean in our terms."""
