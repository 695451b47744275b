"""Scoring in Python, without a Trainer or files."""

from froq_lightning.scorer.gate import Gate, Verdict
from froq_lightning.scorer.quality_scorer import QualityScorer
from froq_lightning.scorer.watch import Watch

__all__ = ["Gate", "QualityScorer", "Verdict", "Watch"]
