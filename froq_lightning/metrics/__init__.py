"""torchmetrics shells: state across batches and processes around plain functions."""

from froq_lightning.metrics.comparison_table import ComparisonTable
from froq_lightning.metrics.error_versus_discard import ErrorVersusDiscard
from froq_lightning.metrics.false_non_match_rate import FalseNonMatchRate
from froq_lightning.metrics.layer_norm_table import LayerNormTable
from froq_lightning.metrics.rank_consistency import RankConsistency

__all__ = ["ComparisonTable", "ErrorVersusDiscard", "FalseNonMatchRate", "LayerNormTable", "RankConsistency"]
