"""The contract of a quality method."""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from froq_lightning.backbones.spec import Backbone


@runtime_checkable
class QualityMethod(Protocol):
    """Scores images; higher is better. A frozen dataclass whose fields are the method's parameters."""

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]`. An image's score does not depend on the others.

        Raises:
            BackboneError: if the method cannot work on that network; the text says why.
        """

    def parameters(self) -> dict[str, Any]:
        """The parameters that the scores depend on, as JSON values."""


@runtime_checkable
class PassReader(QualityMethod, Protocol):
    """A method that can start from a forward pass that was run anyway."""

    def score_pass(self, backbone: Backbone, inputs: Tensor, output: Any) -> Tensor:
        """Score `[B, 3, H, W]` preprocessed inputs from the network's output for them: `[B]`, higher is better."""


@runtime_checkable
class DrawnQuality(QualityMethod, Protocol):
    """A method whose scores are drawn at random: what one draw foretells is luck, so figures are means over several."""

    def redraw(self, scores: Tensor, draws: int) -> Tensor:
        """Draw again for the images that got `[N]` scores: `[N, draws]`, the first column being these scores."""
