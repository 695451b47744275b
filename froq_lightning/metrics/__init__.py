"""torchmetrics shells: state across batches and processes around plain functions."""
