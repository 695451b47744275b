"""ATTN-FIQA (arXiv 2604.22841): how strongly the tokens of a transformer attend to each other in its last block."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.methods.attention import Attention, watched_attention
from froq_lightning.methods.quality_method import ScoresOf
from froq_lightning.methods.transformer import Block, TransformerMethod
from froq_lightning.observation.layer_taps import LayerTaps


@dataclass(frozen=True)
class AttnFiqa(TransformerMethod):
    """Mean logit of the last block's attention; one pass, which other methods may share.

    score = mean of q_i . k_j / sqrt(d), before the softmax, over the heads and all pairs of tokens, class and register
    tokens among them. It is taken from the means of queries and keys, so that fused attention stays fused.
    """

    title: ClassVar[str] = "ATTN-FIQA"

    def watch(self, backbone: Backbone, inputs: Tensor) -> AbstractContextManager[ScoresOf]:
        """Read the last block: `[B]` float32, unbounded, higher is better; see `SharedPassMethod.watch`.

        Raises:
            BackboneError: if the network has no blocks, or not one attention among all tokens in the last.
        """
        last = self.transformer(backbone, inputs).blocks[-1]
        self.require_attention(backbone, last)
        return self._watched(backbone, last, len(inputs))

    @contextmanager
    def _watched(self, backbone: Backbone, last: Block, images: int) -> Iterator[ScoresOf]:
        attentions: list[Attention] = []
        with (
            LayerTaps(backbone.network, (), lambda *_: None),
            watched_attention(backbone.network.get_submodule(last.name), attentions.append),
        ):
            yield lambda _output: self.logits(backbone, last, attentions, images).mean()
