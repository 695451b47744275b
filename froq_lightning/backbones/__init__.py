"""The networks that are observed: their weights, their preprocessing, their layers."""
