"""Selection rules, one a file: layer norms and labels in, weighted layers out."""
