"""Tunnel: opens an orchestrator's page on this machine through SSH or SSM, without an open port on its host."""
