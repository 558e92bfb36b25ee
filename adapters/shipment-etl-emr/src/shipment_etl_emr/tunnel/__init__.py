"""Tunnel: brings the page of an orchestrator, which no port is open for, to this machine, through SSH or SSM."""
