"""The backbone `facenet`."""

from froq_facenet.network import InceptionResnetV1
from froq_lightning.backbones.spec import Backbone, Preprocessing


def facenet(weights: str | None = None) -> Backbone:
    """Build Inception-ResNet v1 (160 px, 512-d), RGB, (x - 127.5) / 128.

    Args:
        weights: plain state dict, with the classifier or without; random without one.
    """
    return Backbone.with_weights(
        InceptionResnetV1(),
        Preprocessing((160, 160), "RGB", mean=(127.5 / 255,) * 3, std=(128 / 255,) * 3, alignment="mtcnn"),
        weights,
        prefix={"": "", "logits.": None},
        licence="MIT",
    )
