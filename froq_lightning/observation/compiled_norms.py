"""Layer norms from a compiled network: nothing that they do not need is computed."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from froq_lightning.backbones.frozen import run_frozen
from froq_lightning.errors import ConfigurationError
from froq_lightning.observation.layer_taps import LayerTaps
from froq_lightning.observation.scoring_norms import ScoringPass


class CompiledNorms(LayerTaps):
    """Context manager that observes a network's layers as `ScoringNorms` does, through `torch.compile`.

    The first pass compiles, which takes from seconds to minutes, and so does the first one of another batch size.
    Without the output, the graph ends by itself behind the layers observed. Works where each layer fires in every
    pass and returns a tensor of the batch, and the network can be compiled.

    Args:
        network: the network to run.
        layers: dotted names of its modules, one column of the table each.
        with_output: whether the network's output is wanted too.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], *, with_output: bool = False) -> None:
        super().__init__(network, layers, self._note)
        self.layers = tuple(layers)
        self.with_output = with_output
        self._norms: dict[int, Tensor] = {}
        self._compiled = torch.compile(self._pass)

    def observe(self, inputs: Tensor) -> ScoringPass:
        """Run the network once on preprocessed `[B, 3, H, W]` inputs, which it may change, without gradients.

        Raises:
            ConfigurationError: if the network cannot be compiled here.
        """
        try:
            with torch.inference_mode(mode=False), torch.no_grad():
                norms, output = run_frozen(self._compiled, self._every_module, inputs)
        except torch._dynamo.exc.TorchDynamoException as error:
            reason = " ".join(str(error).strip().splitlines()[:2])  # which part raised, and what
            raise ConfigurationError(f"the network cannot be compiled here: {reason}; leave `compile` off") from error
        return ScoringPass(norms, output)

    def _pass(self, inputs: Tensor) -> tuple[Tensor, Any]:
        self._norms, self._batch = {}, len(inputs)
        output = self.network(inputs)
        norms = torch.stack([self._norms[column] for column in range(len(self.layers))], dim=1)
        return norms, output if self.with_output else None

    def _note(self, column: int, output: Any) -> None:
        self._norms[column] = torch.linalg.vector_norm(output.reshape(self._batch, -1).float(), dim=1)
