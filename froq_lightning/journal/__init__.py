"""REMEMBERING: what a run has done so far, on disk, so that the same command can go on where a killed one ended."""
