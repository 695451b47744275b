"""Descriptions of an Observer: a summary for the terminal, and the card of a repository."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from math import nan

from huggingface_hub import ModelCardData
from torch import tensor

from froq_lightning.calibration.backbone_identity import difference
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.observer import Observer
from froq_lightning.calibration.observer_warnings import agreement_warning, scale_warning
from froq_lightning.names import escape_cell
from froq_lightning.terminal import Part, Table

CARD = """\
---
{metadata}
---

# Face image quality from {title}

An *Observer* of froq-lightning: it names the layers of a frozen face-recognition network whose activation norms tell
how good a face image is. It is one JSON file without code, and holds no weights.

```python
from froq_lightning import QualityScorer

scorer = QualityScorer.{scorer}, aligner="dlib")
print(scorer("photo.jpg"))
```

```bash
froq predict --model.backbone {backbone}{options} \\
  --data.source photos/ --data.aligner dlib
```

{facts}

Layers, in the order in which they were chosen:

{layers}

Quality is 0 to 100: the percentage of the calibration faces that scored lower. Higher is better.
"""


def facts(observer: Observer) -> dict[str, str]:
    """Describe an Observer in short texts by what they tell."""
    backbone, images = observer.backbone, observer.calibration_set
    fed, degraded = backbone.preprocessing, images.degradations or {}
    left_out = f", {images.left_out} left out" if images.left_out else ""
    copies = f", with {degraded['copies']} degraded of each photograph" if degraded.get("copies") else ""
    described = {
        "network": f"{backbone.title()} of {backbone.distribution} {backbone.version}",
        "weights": f"{backbone.weights.source}, SHA-256 {backbone.weights.sha256}",
        "licence of the weights": backbone.weights.licence,
        "input": f"{fed.size[1]} x {fed.size[0]} {fed.channel_order}, {fed.alignment} alignment",
        "calibrated on": f"{images.images} images{left_out}{copies}; labels: {images.labels.get('method', 'given')}",
        "preset": observer.preset,
        "set utility, on images it had not seen": str(observer.agreement) if observer.cross_validated else "not known",
        "set utility, on its calibration images": f"{observer.set_utility:.3f}",
        "layers": f"{len(observer.layers)} of {len(observer.candidates)}",
        "SHA-256 of the Observer": observer.sha256(),
    }
    warnings = "; ".join(filter(None, (agreement_warning(observer), scale_warning(observer))))
    described |= {"mind": warnings} if warnings else {}
    return {name: escape_cell(text) for name, text in described.items()}


def summary(observer: Observer) -> Iterator[Part]:
    """Describe an Observer for the terminal."""
    width = max(map(len, facts(observer)))
    yield from (f"  {name.ljust(width)}  {text}" for name, text in facts(observer).items())
    yield Table(*_layers(observer))


def card(observer: Observer, reference: str | None, *, takes_weights: bool) -> str:
    """Write the card of a repository, or of an Observer that ships with its backbone, as Markdown.

    Args:
        observer: that is published.
        reference: to it, such as `hf://owner/name`; None if the backbone brings it.
        takes_weights: whether its backbone is given weights; otherwise it brings them.
    """
    backbone = observer.backbone
    metadata = ModelCardData(
        library_name="froq-lightning",
        tags=["face-image-quality-assessment", "face-recognition", "biometrics", "froq"],
    )
    options = backbone.options | ({"weights": backbone.weights.source} if takes_weights else {})
    header, rows = _layers(observer)
    weights = f', weights="{backbone.weights.source}"' if takes_weights else ""
    made = f'from_pretrained("{backbone.name}"' if reference is None else f'from_observer("{reference}"'
    given = "" if reference is None else f" --model.observer {reference}"
    return CARD.format(
        metadata=metadata.to_yaml(),
        title=escape_cell(backbone.title()),
        scorer=made + weights,
        backbone=backbone.name + given,
        options=f" \\\n  --model.backbone_options '{json.dumps(options)}'" if options else "",
        facts=_markdown(["", ""], [list(pair) for pair in facts(observer).items()]),
        layers=_markdown(header, rows),
    )


def comparison(first: Observer, second: Observer) -> Iterator[Part]:
    """Say how two Observers differ, for the terminal."""
    both, names = (facts(first), facts(second)), {**facts(first), **facts(second)}
    differing = [
        [name, both[0].get(name, ""), both[1].get(name, "")] for name in names if both[0].get(name) != both[1].get(name)
    ]
    yield Table(["differs in", "first", "second"], differing or [["nothing", "", ""]])
    if first.backbone.name != second.backbone.name:
        yield "they are for different networks: their layers cannot be compared"
        return
    yield from _layers_compared(first, second)


def _layers_compared(first: Observer, second: Observer) -> Iterator[Part]:
    options = asdict(first.backbone)["options"], asdict(second.backbone)["options"]
    if options[0] != options[1]:
        yield f"options: {difference(*options)}"
    weights = [{layer.name: layer.weight for layer in observer.layers} for observer in (first, second)]
    rows = [
        [name, *(f"{chosen[name]:.3g}" if name in chosen else "" for chosen in weights)]
        for name in {**weights[0], **weights[1]}
    ]
    yield Table(["layer", "weight in first", "weight in second"], rows)
    yield f"layers in common: {len(weights[0].keys() & weights[1].keys())}"
    utilities = [{layer.name: layer.utility for layer in observer.candidates} for observer in (first, second)]
    shared = [name for name in utilities[0] if None not in (utilities[0][name], utilities[1].get(name))]
    pairs = tensor([[utilities[0][name] or nan, utilities[1][name] or nan] for name in shared]).reshape(-1, 2)
    if len(shared) > 2:
        rho = float(spearman(pairs[:, 0], pairs[:, 1]))
        yield f"Spearman's rho between the utilities of {len(shared)} candidate layers: {rho:.3f}"


def _layers(observer: Observer) -> tuple[list[str], list[list[str]]]:
    rows = [[escape_cell(layer.name), f"{layer.utility:.4f}", f"{layer.weight:.3g}"] for layer in observer.layers]
    return ["layer", "layer utility", "weight"], rows


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
