"""The contracts of quality methods, and of labellers that need a whole set of images."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

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


@dataclass(frozen=True)
class SetLabels:
    """What a labeller says of a set.

    Args:
        labels: `[N]` float64, NaN where there is none.
        facts: to be recorded, as JSON values.
        reason: says why an image of a subject (-1: unknown) has no label.
    """

    labels: Tensor
    facts: dict[str, Any]
    reason: Callable[[int], str]


@runtime_checkable
class SetLabeller(Protocol):
    """Labels the images of a set by comparing them; no quality method, since other images have a say.

    A frozen dataclass whose fields are its parameters.

    Attributes:
        copies: how many degraded copies of every image it wants.
    """

    copies: ClassVar[int]

    def keep(self, backbone: Backbone, images: Tensor, embeddings: Tensor, is_image: Tensor) -> Tensor:
        """Say what is kept of some samples until the whole set is labelled.

        Args:
            backbone: the network.
            images: `[B, 3, H, W]` RGB, uint8 or 0..1.
            embeddings: `[B, D]` of them.
            is_image: `[B]` bool, false for degraded copies.

        Returns:
            `[B, R]`: the embeddings, and what else it wants.
        """

    def label(self, kept: Tensor, subjects: Tensor, originals: Tensor) -> SetLabels:
        """Label the samples of a set, higher is better. The tensors lie in the host's memory.

        Args:
            kept: `[N, R]`, NaN for a sample without an embedding.
            subjects: `[N]` int64 numbers of who is shown, -1 where that is not known.
            originals: `[N]` int64 sample index of the image that a degraded copy was made from, of an image its own.

        Raises:
            CalibrationError: if the set allows no labels.
        """

    def require_mates(self, subjects: Tensor, originals: Tensor) -> None:
        """Refuse a set, before an image is read, whose subjects or copies allow no labels.

        Raises:
            CalibrationError: saying what gives them.
        """

    def parameters(self) -> dict[str, Any]:
        """The parameters that the labels depend on, as JSON values."""
