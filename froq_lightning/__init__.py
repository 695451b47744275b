"""Face-image quality from a frozen face-recognition network."""
