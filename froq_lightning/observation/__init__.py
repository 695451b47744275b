"""Layer norms of a network, observed while it runs."""
