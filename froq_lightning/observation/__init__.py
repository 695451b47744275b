"""LOOKING: one forward pass in, one table of layer norms out."""
