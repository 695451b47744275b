"""ViTNT-FIQA (arXiv 2601.05741): how little the tokens of a transformer move from block to block."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError, ConfigurationError
from froq_lightning.methods.attention import Attention, watched_attention
from froq_lightning.methods.quality_method import ScoresOf
from froq_lightning.methods.transformer import Block, TransformerMethod
from froq_lightning.observation.layer_taps import LayerTaps

# The published share of the blocks that are used: the first 20 of 24.
SHARE = 20 / 24
# How steeply scores fall with the distance.
STEEPNESS = 8


@dataclass(frozen=True)
class VitntFiqa(TransformerMethod):
    """Distances between the tokens that consecutive blocks return; one pass, which other methods may share.

    The network's final norm, or the one behind pooling where none comes before, is applied to the output of each block,
    and every patch token is L2-normalised. With d_p, the mean Euclidean distance between token p after a block and
    after the next one, s_p = 2 / (1 + exp(8 d_p)). score = sum of w_p s_p, where w_p is the share of the attention of
    the last used block, mean over its heads, that token p gets of all tokens, among the patch tokens.

    Args:
        weighted: whether w_p are these weights; equal ones otherwise.
        blocks: how many blocks are used, from the first. By default 20 of 24, as published, and the same share of
            other depths, rounded, which is our extension.
    """

    title: ClassVar[str] = "ViTNT-FIQA"
    weighted: bool = True
    blocks: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.blocks is not None and self.blocks < 2:
            raise ConfigurationError(f"Expected `blocks` to be at least 2, but got {self.blocks}")

    def watch(self, backbone: Backbone, inputs: Tensor) -> AbstractContextManager[ScoresOf]:
        """Read the used blocks: `[B]` float32 in 0..1, higher is better; see `SharedPassMethod.watch`.

        Raises:
            BackboneError: if the network has no blocks or fewer than `blocks`, blocks that do not take each other's
                tokens, no norm behind them, tokens of unknown kind, or, for weights, not one attention among all
                tokens in the last used block.
        """
        transformer = self.transformer(backbone, inputs)
        depth = len(transformer.blocks)
        if self.blocks is not None and self.blocks > depth:
            raise BackboneError(
                f"Expected `blocks` to be at most {depth}, as many as {type(backbone.network).__name__} has, but got "
                f"{self.blocks}"
            )
        if not transformer.is_chain:
            need = "blocks that each take the tokens that the one before returned"
            raise self.refusal(backbone, need, f"has others, such as {transformer.blocks[1].name!r}")
        used = transformer.blocks[: self.blocks or max(round(SHARE * depth), 2)]
        if not transformer.norm:
            raise self.refusal(backbone, "a norm after the last block", "has none")
        if transformer.prefix is None:
            need = "to know which tokens are patches"
            raise self.refusal(backbone, need, f"has {transformer.tokens}, which make no square")
        if self.weighted:
            self.require_attention(backbone, used[-1])
        norm = backbone.network.get_submodule(transformer.norm)
        return self._watched(backbone, used, _Movement(norm, transformer.prefix), len(inputs))

    @contextmanager
    def _watched(
        self, backbone: Backbone, used: tuple[Block, ...], movement: "_Movement", images: int
    ) -> Iterator[ScoresOf]:
        attentions: list[Attention] = []
        last = backbone.network.get_submodule(used[-1].name)

        def scores(_output: object) -> Tensor:
            similarities = 2 * torch.sigmoid(-STEEPNESS * movement.distances())
            if not self.weighted:
                return similarities.mean(dim=1)
            received = self.logits(backbone, used[-1], attentions, images).received()[:, movement.prefix :]
            return (similarities * received).sum(dim=1) / received.sum(dim=1)

        with LayerTaps(backbone.network, [block.name for block in used], movement.note):
            if self.weighted:
                with watched_attention(last, attentions.append):
                    yield scores
            else:
                yield scores


class _Movement:
    """How far the patch tokens move from block to block; only those of the latest block stay in memory.

    Args:
        norm: the network's final one.
        prefix: number of tokens before the patches.
    """

    def __init__(self, norm: nn.Module, prefix: int) -> None:
        # Not by calling the module, which other methods may have tapped.
        self._norm = partial(type(norm).forward, norm)
        self.prefix = prefix
        self._latest: Tensor | None = None
        self._sum = torch.zeros(())
        self._steps = 0

    def note(self, _block: int, output: Tensor) -> None:
        """Add the distances from the block before, given the `[B, N, D]` output of a block."""
        tokens = normalize(self._norm(output)[:, self.prefix :].float(), dim=2)
        if self._latest is not None:
            self._sum = self._sum.to(tokens.device) + torch.linalg.vector_norm(tokens - self._latest, dim=2)
            self._steps += 1
        self._latest = tokens

    def distances(self) -> Tensor:
        """Mean distance of each patch token, `[B, P]` float32."""
        self._latest = None
        return self._sum / self._steps
