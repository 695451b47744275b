"""What a graph's file says of itself."""

import json
from dataclasses import asdict
from importlib import metadata

from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.observer import Observer
from froq_lightning.export.options import ExportOptions


def metadata_of(identity: BackboneIdentity, observer: Observer, options: ExportOptions) -> dict[str, str]:
    """Describe a graph as texts by their keys; those of `JSON_KEYS` are JSON."""
    weights, fed = identity.weights, identity.preprocessing
    takes = {
        "name": "images",
        "type": "uint8" if options.with_preprocessing else "float32",
        "shape": ["N", 3, *fed.size],
        "channel_order": "RGB" if options.with_preprocessing else fed.channel_order,
        "preprocessed": not options.with_preprocessing,
    }
    return {
        "froq_version": metadata.version("froq-lightning"),
        "backbone": identity.name,
        "backbone_options": json.dumps(identity.options),
        "observer_sha256": observer.sha256(),
        "weights_sha256": weights.sha256,
        "weights_source": weights.source,
        "weights_licence": weights.licence,
        "input": json.dumps(takes),
        "preprocessing": json.dumps(asdict(fed)),
        "layers": json.dumps([layer.name for layer in observer.layers]),
        "quantiles": json.dumps(observer.quantiles),
        "precision": str(options.precision),
    }
