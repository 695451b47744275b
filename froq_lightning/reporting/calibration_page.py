"""The page that shows a calibration: charts and tables, put into the template."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.callbacks.headline import doubts, headline
from froq_lightning.callbacks.label_notes import label_note, unlabelled
from froq_lightning.data.records import FaceSample
from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.reporting.agreement_chart import MOST_IMAGES, rank_chart, rank_shares, value_chart
from froq_lightning.reporting.face_row import FaceRow, face_row
from froq_lightning.reporting.front_chart import front_chart
from froq_lightning.reporting.front_row import bargain, front_rows, missed
from froq_lightning.reporting.histogram import scale_histogram
from froq_lightning.reporting.layer_chart import layer_chart
from froq_lightning.reporting.layer_row import LayerRow, layer_rows
from froq_lightning.reporting.page import render
from froq_lightning.reporting.trajectory_chart import trajectory_chart
from froq_lightning.runs.calibration_run import Calibration
from froq_lightning.terminal import printable

FAILURES_SHOWN = 50
# Stands in a headline where the page sets the name of the network apart.
NAME = "\0"

Reader = Callable[[int], FaceSample]


def render_page(calibration: Calibration, backbone: Backbone, read: Reader | None, ends: int) -> str:
    """Lay a calibration out as one HTML document that needs nothing else.

    Args:
        calibration: to show.
        backbone: that was calibrated.
        read: gives an image by its position; None if there is nothing to read from.
        ends: number of images shown at either end of a ranking.
    """
    observer = calibration.observer
    rows = layer_rows(calibration.selection, backbone.network)
    context = {
        "observer": observer,
        "title": observer.backbone.title(),
        "cost": calibration.selection.cost,
        "headline": headline(calibration, NAME).partition(NAME),
        "utility": calibration.selection.cross_validated,
        "caveats": [*doubts(calibration), *_caveats(calibration, rows)],
        "rule": _rule(observer),
        "label_note": label_note(calibration),
        "ends": ends,
        "faces": _faces(calibration, lru_cache(maxsize=None)(read), ends) if read and ends else {},
        "failures": [*unlabelled(calibration), *_failures(list(calibration.left_out.values()))],
        "settings": _settings(observer),
        **_layers(calibration, rows),
        **_front(calibration, backbone.candidate_layers),
        **_scores(calibration),
    }
    return render("calibration.html", context)


def _layers(calibration: Calibration, rows: Sequence[LayerRow]) -> dict[str, Any]:
    """Show the layers by depth, and the search."""
    observer, trajectory = calibration.observer, calibration.selection.trajectory
    by_name = {row.name: row for row in rows}
    return {
        "layers": rows,
        "chosen": [(by_name[layer.name], layer) for layer in observer.layers],
        "search": [(by_name[step.layer], step.set_utility) for step in trajectory],
        "depth": layer_chart(rows, observer.budget.max_cost),
        "trajectory": trajectory_chart(trajectory, len(observer.layers)) if trajectory else "",
    }


def _front(calibration: Calibration, names: Sequence[str]) -> dict[str, Any]:
    """Show what a share of a pass buys, if the costs are known."""
    observer, selection = calibration.observer, calibration.selection
    found = None if selection.cost is None else (selection.cost, observer.set_utility)
    return {
        "front": front_rows(selection, names),
        "front_chart": front_chart(selection.front, found, observer.budget.max_cost) if found else "",
        "bargain": bargain(observer, selection),
        "missed": missed(observer, selection),
    }


def _scores(calibration: Calibration) -> dict[str, Any]:
    """Show scores against labels, and how the scores are spread."""
    scores, labels = calibration.selection.scores, calibration.table.pseudo_quality.double()
    return {
        "values": value_chart(scores, labels),
        "ranks": rank_chart(scores, labels),
        "scale": scale_histogram(scores.numpy(), calibration.observer.quantiles),
        "drawn": min(len(scores), MOST_IMAGES),
    }


def _caveats(calibration: Calibration, layers: Sequence[LayerRow]) -> Iterator[str]:
    """Yield what a reader should know besides the figures."""
    yield (
        "Cross-validated rho is what to expect on images like these; in-sample rho is flattered, since the layers were "
        "chosen on the same images. froq test measures the scores on other images."
    )
    images = calibration.observer.calibration_set
    if images.left_out:
        yield f"{images.left_out} of {images.left_out + images.images} images could not be used."
    useless = sum(bool(layer.reason) for layer in layers)
    if useless:
        yield f"{useless} of {len(layers)} candidate layers could not be used; the table of all layers says why."
    copies = [layer.name for layer in layers if layer.chosen and layer.repeats]
    if copies:
        yield (
            f"Chosen layers that repeat others: {', '.join(copies)}. Where both are chosen, their norms weigh double "
            "in the score; the preset distinct folds them."
        )


def _rule(observer: Observer) -> str:
    preset = create_rule(observer.preset)
    repeats = "repeated layers folded" if preset.fold_repeats else "repeated layers kept"
    norms = "standardised norms" if observer.aggregation == "mean_standardised_norm" else "norms"
    mean = "weighted mean" if len({layer.weight for layer in observer.layers}) > 1 else "mean"
    return f"{repeats}; a score is the {mean} of the {norms} of the layers"


def _faces(calibration: Calibration, read: Reader, ends: int) -> Mapping[str, FaceRow]:
    """Show the ends by score, by label, and by how far the two are apart."""
    scores, labels = calibration.selection.scores, calibration.table.pseudo_quality.double()
    apart = 100 * (rank_shares(scores) - rank_shares(labels))
    rankings = {
        "quality score": scores,
        "pseudo-quality": labels,
        "rank of the score less rank of the pseudo-quality, in percentage points": apart,
    }
    return {name: face_row(read, _by_position(calibration, values), ends) for name, values in rankings.items()}


def _by_position(calibration: Calibration, values: Tensor) -> Floats:
    """Bring `[N]` values of the images that were used to their positions in the data set; NaN for the others."""
    table = calibration.table
    whole = torch.full((len(values) + len(table.missing),), torch.nan, dtype=torch.float64)
    whole[table.sample_index] = values
    return whole.numpy()


def _failures(left_out: Sequence[FaceSample]) -> list[str]:
    listed = [printable(f"{sample.key}: {sample.note}") for sample in left_out[:FAILURES_SHOWN]]
    more = len(left_out) - FAILURES_SHOWN
    return [*listed, f"… and {more} more"] if more > 0 else listed


def _settings(observer: Observer) -> Mapping[str, Mapping[str, Any]]:
    backbone, images = observer.backbone, observer.calibration_set
    return {
        "Network": {
            "name": backbone.name,
            **backbone.options,
            "distribution": f"{backbone.distribution} {backbone.version}",
            "weights": backbone.weights.source,
            "SHA-256": backbone.weights.sha256,
            "licence": backbone.weights.licence,
            **asdict(backbone.preprocessing),
        },
        "Selection": {"preset": observer.preset, **asdict(create_rule(observer.preset)), **asdict(observer.budget)},
        "Labels": images.labels,
        "Images": {"used": images.images, "left out": images.left_out, "degradations": images.degradations or "none"},
    }
