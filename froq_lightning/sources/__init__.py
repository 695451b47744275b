"""FEEDING: one format of face images or comparison trials a file, found by its entry point."""
