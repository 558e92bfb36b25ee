"""Runs the jobs of shipment_etl from Kestra: its flows, their deployment, and what a run tells Kestra."""
