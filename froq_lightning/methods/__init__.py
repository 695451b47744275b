"""Quality methods, one a file. Each scores RGB images of a backbone; higher is better."""
