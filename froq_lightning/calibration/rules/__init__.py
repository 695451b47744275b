"""One rule of selection a file: layer norms and labels in, weighted layers out."""
