"""The order in which a network's convolutions hold the values of a feature map."""

import torch

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import ConfigurationError


@torch.no_grad()
def lay_out(backbone: Backbone, device: torch.device, channels_last: bool | None = None) -> bool:
    """Bring the network's weights into the order of memory that it is to run in; its values stay the same.

    Args:
        backbone: its network.
        device: that it will run on.
        channels_last: whether the channels of a pixel lie next to each other. None decides: on a CPU, where that is
            faster, they do, unless the network does not run so, such as one that calls `view` on its feature maps.

    Returns:
        Whether the network runs with channels last.

    Raises:
        ConfigurationError: if it shall and cannot.
    """
    if channels_last is False or (channels_last is None and device.type != "cpu"):
        return False
    network = backbone.network.to(memory_format=torch.channels_last)
    here = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    # Of one image, a view exists that of two does not.
    inputs = backbone.inputs(torch.zeros(2, 3, *backbone.preprocessing.size, dtype=torch.uint8, device=here))
    try:
        network(inputs)
    except RuntimeError as error:
        network.to(memory_format=torch.contiguous_format)
        network(inputs)  # if it breaks here too, that has nothing to do with the order
        if channels_last:
            reason = str(error).partition("\n")[0]
            raise ConfigurationError(f"the network does not run with `channels_last`: {reason}") from error
        return False
    return True
