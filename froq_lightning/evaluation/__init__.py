"""MEASURING: whether quality scores foretell recognition errors. Pure functions on NumPy arrays, float64."""
