"""Metrics of how well quality scores foretell recognition errors: pure functions on NumPy arrays, float64."""
