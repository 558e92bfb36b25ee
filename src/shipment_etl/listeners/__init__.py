"""Listeners: what hears of runs and tells others. Each is a plugin like any other."""
