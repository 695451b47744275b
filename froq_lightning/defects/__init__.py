"""What is wrong with an image of a face, measured on its pixels and landmarks in NumPy: components, and defects."""
