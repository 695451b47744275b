"""Files and tables out: what a run leaves behind and prints."""

from froq_lightning.callbacks.evaluation_writer import EvaluationWriter
from froq_lightning.callbacks.facts_printer import FactsPrinter
from froq_lightning.callbacks.fastest_batch_size import FastestBatchSize
from froq_lightning.callbacks.observer_writer import ObserverWriter
from froq_lightning.callbacks.part_writer import PartWriter
from froq_lightning.callbacks.quality_writer import QualityWriter
from froq_lightning.callbacks.ranking import RankedTable
from froq_lightning.callbacks.trial_writer import TrialWriter

__all__ = [
    "EvaluationWriter",
    "FactsPrinter",
    "FastestBatchSize",
    "ObserverWriter",
    "PartWriter",
    "QualityWriter",
    "RankedTable",
    "TrialWriter",
]
