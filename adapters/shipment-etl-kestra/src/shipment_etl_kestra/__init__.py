"""Runs the jobs of shipment_etl from Kestra: flows, their deployment, and the results of runs as Kestra outputs."""
