"""What `--json` says of a run, as JSON values."""

from collections.abc import Sequence
from typing import Any

from froq_lightning.callbacks.results_json import finite
from froq_lightning.callbacks.results_table import Cell, ResultsTable, results_tables
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.runs.calibration_run import Calibration
from froq_lightning.runs.quality_batch import ScoredRow


def ranking_facts(best_first: Sequence[ScoredRow], ends: int, scored: int) -> dict[str, Any]:
    """State the ends of a ranking.

    Args:
        best_first: the rows that the ranking kept.
        ends: number of images stated at either end.
        scored: number of images in it.
    """
    rows = [_row(row) for row in best_first]
    ends = min(ends, scored)
    return {"best": rows[:ends], "worst": rows[::-1][:ends]}


def count_facts(scored: int, failed: int) -> dict[str, Any]:
    """State how many images were scored, and how many were not."""
    return {"images": {"total": scored + failed, "scored": scored, "failed": failed}}


def calibration_facts(calibration: Calibration) -> dict[str, Any]:
    """State what a calibration found."""
    observer = calibration.observer
    images = observer.calibration_set
    agreement = calibration.selection.cross_validated
    counts = {"total": images.images + images.left_out, "used": images.images, "left_out": images.left_out}
    facts = {
        "backbone": observer.backbone.name,
        "preset": observer.preset,
        "labels": images.labels,
        "images": {**counts, "unlabelled": len(calibration.unlabelled)},
        "verdict": calibration.selection.verdict,
        "set_utility": {"cross_validated": agreement.rho, "on_calibration_images": observer.set_utility},
        "cost": calibration.selection.cost,
        "layers": [
            {"layer": layer.name, "layer_utility": layer.utility, "weight": layer.weight} for layer in observer.layers
        ],
    }
    return dict(finite(facts))


def evaluation_facts(evaluation: Evaluation) -> dict[str, Any]:
    """State the results of an evaluation as the tables show them."""
    tables = list(results_tables(evaluation))
    facts = {
        "backbone": evaluation.backbone,
        "images": {
            data_set.name: {"total": data_set.images, "left_out": len(data_set.left_out)}
            for data_set in evaluation.sets
        },
        "errors": [_errors(table) for table in tables],
        "results": [each for table in tables for each in _results(table, table.rows)],
        "oracles": [each for table in tables for each in _results(table, table.oracles)],
        "milliseconds": {method.name: method.milliseconds for method in evaluation.working()},
    }
    return dict(finite(facts))


def _row(row: ScoredRow) -> dict[str, Any]:
    facts = {"image": row.image, "quality": row.quality, "quality_score": row.quality_score, "reason": row.reason}
    return facts | ({"defects": list(row.defects)} if row.components else {})


def _errors(table: ResultsTable) -> dict[str, Any]:
    names = ("data_set", "threshold", "fnmr", "false_non_matches", "mated", "false_matches", "non_mated")
    sets = [{name: getattr(result, name) for name in names} for result in table.sets]
    return {"convention": table.convention.name, "fmr": table.fmr, "sets": sets}


def _results(table: ResultsTable, rows: Sequence[tuple[str, Sequence[Cell]]]) -> list[dict[str, Any]]:
    return [
        {
            "convention": table.convention.name,
            "fmr": table.fmr,
            "method": method,
            "data_set": column,
            "value": cell.value,
            "interval": [cell.low, cell.high],
            "is_best": cell.best,
        }
        for method, cells in rows
        for column, cell in zip(table.columns, cells, strict=True)
    ]
