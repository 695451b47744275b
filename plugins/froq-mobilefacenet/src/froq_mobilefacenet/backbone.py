"""The backbone `mobilefacenet`."""

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_mobilefacenet.network import MobileFaceNet


def mobilefacenet(weights: str | None = None) -> Backbone:
    """Build a MobileFaceNet (128-d), RGB, (x - 127.5) / 128.

    Args:
        weights: checkpoint with the state dict under `net_state_dict`, or a plain state dict; random without one.
    """
    preprocessing = Preprocessing((112, 112), "RGB", mean=(127.5 / 255,) * 3, std=(128 / 255,) * 3)
    return Backbone.with_weights(MobileFaceNet(), preprocessing, weights)
