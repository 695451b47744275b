"""Compares a graph with the network that it was made of, image by image."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import BackboneError
from froq_lightning.export.graph import EMBEDDING, QUALITY, QUALITY_SCORE
from froq_lightning.export.options import Precision
from froq_lightning.methods.froq import FroqQuality

Graph = Callable[[Tensor], Mapping[str, Tensor]]
# A batch of one, which some code treats in another way, an odd one, and larger ones.
FIRST_BATCHES, OTHER_BATCHES = (1, 7), 16
# The largest differences that a graph may have, by precision. In half precision a number has 11 bits, about 0.0005 of
# it, and what the layers before rounded adds up.
MOST_OF_SCORES: dict[Precision, float] = {32: 1e-4, 16: 2e-2}
SCALE = "the score, the interquartile range of the calibration scores, or 1 % of the standardised norms, if larger"
MOST_OF_EMBEDDINGS: dict[Precision, float] = {32: 1e-5, 16: 2e-2}


@dataclass(frozen=True)
class Agreement:
    """The largest differences between a graph and the network in 32 bits, run by torch.

    Args:
        images: how many were compared.
        batches: their sizes.
        score: |graph - eager|, as a share of the scale of the score; see `scales`.
        quality: in points.
        embedding: L2 norm of the difference, as a share of that of the eager embedding; None if there is none.
        unexplained: number of qualities that a difference of the score within its limit does not explain.
        precision: of the graph, which sets the limits.
    """

    images: int
    batches: tuple[int, ...]
    score: float
    quality: int
    embedding: float | None
    unexplained: int
    precision: Precision

    def lines(self) -> Iterator[str]:
        """Describe the differences, a line each."""
        yield f"largest differences from eager on {self.images} images, in batches of {_listed(self.batches)}:"
        limit = MOST_OF_SCORES[self.precision]
        yield f"  {QUALITY_SCORE:<14} {self.score:.1e} of the scale of the scores (at most {limit:.0e})"
        yield f"  {QUALITY:<14} {self.quality} of 100"
        if self.embedding is not None:
            limit = MOST_OF_EMBEDDINGS[self.precision]
            yield f"  {EMBEDDING:<14} {self.embedding:.1e} of the length of the embedding (at most {limit:.0e})"
        yield f"  scale: {SCALE}"

    def require(self) -> None:
        """Refuse a graph that disagrees.

        Raises:
            BackboneError: saying in what, and by how much.
        """
        wrong = []
        if not self.score <= MOST_OF_SCORES[self.precision]:
            wrong.append(f"{QUALITY_SCORE} by {self.score:.1e} where {MOST_OF_SCORES[self.precision]:.0e} is allowed")
        elif self.unexplained:
            wrong.append(f"{QUALITY} by {self.quality}, although the scores agree")
        if self.embedding is not None and not self.embedding <= MOST_OF_EMBEDDINGS[self.precision]:
            limit = MOST_OF_EMBEDDINGS[self.precision]
            wrong.append(f"{EMBEDDING} by {self.embedding:.1e} of its length where {limit:.0e} is allowed")
        if wrong:
            raise BackboneError(
                f"the graph disagrees with the network and was not written: its {' and its '.join(wrong)}; the network "
                "may use values that were fixed when it was traced" + (", or need 32 bits" * (self.precision == 16))
            )


def compare(
    graph: Graph, backbone: Backbone, observer: Observer, images: Tensor, precision: Precision, *, preprocessed: bool
) -> Agreement:
    """Run a graph and the network on the same images.

    Args:
        graph: returns its outputs by name.
        backbone: the network.
        observer: made for it.
        images: `[N, 3, H, W]` uint8 RGB.
        precision: of the graph.
        preprocessed: whether the graph takes the network's input instead of such images.
    """
    method, limit = FroqQuality(observer), MOST_OF_SCORES[precision]
    sizes = _batches(len(images))
    scores, qualities, embeddings, unexplained = [], [], [], 0
    for part in images.split(list(sizes)):
        with torch.no_grad():
            score, embedding = method.score_and_embed(backbone, part)
        outputs = graph(backbone.preprocessing(part).float() if preprocessed else part)
        scale = scales(observer, score)
        scores.append(_finite(outputs[QUALITY_SCORE].double() - score, score) / scale)
        low, high = (observer.quality(score + sign * limit * scale) for sign in (-1, 1))
        unexplained += int(((outputs[QUALITY] < low) | (outputs[QUALITY] > high)).sum())
        qualities.append((outputs[QUALITY] - observer.quality(score)).abs())
        if EMBEDDING in outputs:
            difference = (outputs[EMBEDDING].double() - embedding.double()).norm(dim=1)
            embeddings.append(_finite(difference, embedding.sum(dim=1)) / embedding.double().norm(dim=1))
    return Agreement(
        images=len(images),
        batches=sizes,
        score=float(torch.cat(scores).max()),
        quality=int(torch.cat(qualities).max()),
        embedding=float(torch.cat(embeddings).max()) if embeddings else None,
        unexplained=unexplained,
        precision=precision,
    )


def scales(observer: Observer, scores: Tensor) -> Tensor:
    """What differences of `[N]` scores are measured by; they may be 0, and so no measure of their own.

    The largest of a score, the interquartile range of the scores of the calibration set, and 1 % of what the norms come
    to in a score before their means are subtracted: float32 rounds the norms, and where they hardly vary, as in a
    network that was not trained, most of them cancels out.
    """
    spread = observer.quantiles[75] - observer.quantiles[25]
    if observer.aggregation == "mean_standardised_norm":
        total = sum(abs(layer.weight) for layer in observer.layers)
        before = sum(abs(layer.weight) * layer.mean / layer.std for layer in observer.layers) / total
        spread = max(spread, 0.01 * before)
    return scores.abs().clamp(min=spread)


def _finite(differences: Tensor, eager: Tensor) -> Tensor:
    """Absolute differences, infinite where the graph alone gives NaN or infinity; 0 where eager gives them."""
    return differences.abs().nan_to_num(torch.inf).where(eager.isfinite(), 0)


def _batches(images: int) -> tuple[int, ...]:
    """Cut a number of images into batches of different sizes."""
    sizes: list[int] = []
    for size in (*FIRST_BATCHES, *[OTHER_BATCHES] * images):
        if sum(sizes) < images:
            sizes.append(min(size, images - sum(sizes)))
    return tuple(sizes)


def _listed(batches: tuple[int, ...]) -> str:
    return ", ".join(map(str, dict.fromkeys(batches)))
