"""JUDGING: quality methods. Each scores RGB images of a backbone; higher is better."""
