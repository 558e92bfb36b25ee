"""How far generated shipments are from public ones: `python -m benchmarks.calibration`."""
