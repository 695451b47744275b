"""Pictures of what a run found."""

from froq_lightning.reporting.calibration_report import CalibrationReport
from froq_lightning.reporting.contact_sheet import ContactSheet
from froq_lightning.reporting.evaluation_report import EvaluationReport
from froq_lightning.reporting.figure_writer import FigureWriter
from froq_lightning.reporting.prediction_report import PredictionReport

__all__ = ["CalibrationReport", "ContactSheet", "EvaluationReport", "FigureWriter", "PredictionReport"]
