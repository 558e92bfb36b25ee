"""Listeners: plugins that report runs, to a log or to a lineage catalogue."""
