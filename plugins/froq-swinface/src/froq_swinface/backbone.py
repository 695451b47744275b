"""The backbone `swinface`."""

from operator import itemgetter

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_swinface.network import SwinFace
from froq_swinface.tasks import RECOGNITION


def swinface(weights: str | None = None, *, attributes: bool = True) -> Backbone:
    """Build SwinFace (Swin-T, 512-d), RGB.

    Args:
        weights: published checkpoint, with a state dict for each part of the network; random without one.
        attributes: whether the network also describes the face by 42 attributes. Without, it holds and loads its part
            `backbone` only; the embedding and the names of that part's layers are the same.
    """
    network = SwinFace(attributes=attributes)
    parts = [name for name, _ in network.named_children()]
    return Backbone.with_weights(
        network,
        Preprocessing(),
        weights,
        key=[f"state_dict_{part}" for part in parts],
        prefix={f"state_dict_{part}.": f"{part}." for part in parts},
        licence="MIT",
        embed=itemgetter(RECOGNITION),
        candidate_layers=network.layers(),
    )
