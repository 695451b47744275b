"""Lightning data modules: a source in, batches of face crops out. They know a backbone by its Preprocessing only."""
