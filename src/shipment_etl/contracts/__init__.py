"""Contract: what a shipment is, and what is wrong with one that is not."""
