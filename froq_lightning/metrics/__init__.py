"""Metrics for torchmetrics: state across batches and processes around plain functions."""

from froq_lightning.metrics.layer_norm_table import LayerNormTable
from froq_lightning.metrics.trial_metrics import ErrorVersusDiscard, FalseNonMatchRate, RankConsistency

__all__ = ["ErrorVersusDiscard", "FalseNonMatchRate", "LayerNormTable", "RankConsistency"]
