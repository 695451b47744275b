"""Calibration: layer norms and pseudo-quality labels in, an Observer out."""
