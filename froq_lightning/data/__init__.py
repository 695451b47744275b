"""FEEDING: files in, batches of face crops out; what cannot be used becomes a row with a reason."""
