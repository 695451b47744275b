"""Queries and keys are seen however a network multiplies them, and so is what happens to their product."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from vit_by_hand import plain_vit

from froq_lightning.errors import BackboneError
from froq_lightning.methods.attention import ROWS, Attention, AttentionMode, Logits, watched_attention
from froq_lightning.methods.attn_fiqa import AttnFiqa

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
FUSED: Attend = functional.scaled_dot_product_attention


@given(
    images=st.integers(1, 3),
    heads=st.integers(1, 4),
    counts=st.tuples(st.integers(1, 2 * ROWS + 1), st.integers(1, 40)),
    scale=st.floats(-2, 2),
    seed=st.integers(0, 1000),
)
def test_logits_are_summed_up_without_the_matrix(
    images: int, heads: int, counts: tuple[int, int], scale: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    queries, keys = (torch.randn(images, heads, count, 5, generator=generator) for count in counts)
    matrix = torch.einsum("bhid,bhjd->bhij", queries.double(), keys.double()) * scale
    logits = Logits(queries, keys, scale)
    assert torch.allclose(logits.mean().double(), matrix.mean(dim=(1, 2, 3)), atol=1e-5)
    assert torch.allclose(logits.received().double(), matrix.softmax(dim=3).mean(dim=1).sum(dim=1), rtol=1e-4)


def _times(change: Callable[[Tensor], Tensor]) -> Attend:
    return lambda queries, keys, values: change(queries @ keys.transpose(-2, -1)).softmax(dim=-1) @ values


def _added_in_place(logits: Tensor) -> Tensor:
    logits += 1
    return logits


def _assigned(logits: Tensor) -> Tensor:
    logits[..., 0] = -100
    return logits


def _scaled_in_place(logits: Tensor) -> Tensor:
    logits *= 8**-0.5
    return logits


FOLLOWED: dict[str, Attend] = {
    "fused, scale given": lambda q, k, v: FUSED(q * 8**-0.5, k, v, scale=1.0),
    "fused, by names": lambda q, k, v: FUSED(query=q, key=k, value=v, attn_mask=None, is_causal=False),
    "shared keys": lambda q, k, v: FUSED(q, k[:, :1], v[:, :1], enable_gqa=True),
    "times a number": _times(lambda logits: logits * 8**-0.5),
    "a number times": _times(lambda logits: 8**-0.5 * logits),
    "divided": _times(lambda logits: torch.div(logits, math.sqrt(8))),
    "in place": _times(_scaled_in_place),
    "queries scaled": lambda q, k, v: torch.softmax(torch.matmul(q / math.sqrt(8), k.mT), -1) @ v,
    "a layer": lambda q, k, v: nn.Softmax(dim=-1)((q / math.sqrt(8)) @ k.mT) @ v,
    "a function": lambda q, k, v: functional.softmax(q @ k.mT / math.sqrt(8), dim=3, dtype=torch.float32) @ v,
}
HIDDEN: dict[str, Attend] = {
    "bias": _times(lambda logits: logits + 1),
    "bias in place": _times(_added_in_place),
    "assigned": _times(_assigned),
    "a part in place": _times(lambda logits: (logits[:, :, 1:].add_(1), logits)[1]),
    "mask": _times(lambda logits: logits.masked_fill_(logits < 0, -100)),
    "written out": _times(lambda logits: torch.add(logits, 1, out=logits)),
    "mixed heads": _times(lambda logits: logits.flip(1)),
    "scale of each head": _times(lambda logits: logits * torch.ones(2, 1, 1)),
    "fused, mask": lambda q, k, v: FUSED(q, k, v, attn_mask=torch.zeros(16, 16)),
    "fused, causal": lambda q, k, v: FUSED(q, k, v, is_causal=True),
    "einsum": lambda q, k, v: torch.einsum("bhid,bhjd->bhij", q, k).softmax(dim=-1) @ v,
}


@pytest.mark.parametrize("way", FOLLOWED)
def test_a_product_is_followed_to_the_softmax(way: str, small_images: Tensor) -> None:
    shared = 2 * (lambda q, k, v: FUSED(q, k[:, :1].expand(-1, 2, -1, -1), v[:, :1].expand(-1, 2, -1, -1)),)
    plain = plain_vit(*(shared if way == "shared keys" else (FUSED, FUSED)))
    expected = AttnFiqa().score(plain, small_images)
    assert torch.allclose(AttnFiqa().score(plain_vit(FOLLOWED[way], FOLLOWED[way]), small_images), expected, atol=1e-6)


@pytest.mark.parametrize("way", HIDDEN)
def test_logits_that_are_changed_on_the_way_are_refused(way: str, small_images: Tensor) -> None:
    message = (
        "ATTN-FIQA needs the logits of one attention among all tokens of an image, but PlainViT adds a position bias "
        r"or a mask to them, or changes them in another way, in 'blocks\.1'; choose another method"
    )
    with pytest.raises(BackboneError, match=message), torch.inference_mode():
        AttnFiqa().score(plain_vit(FUSED, HIDDEN[way]), small_images)


def test_a_softmax_of_something_else_is_no_attention() -> None:
    attentions: list[Attention] = []
    with AttentionMode(attentions.append):
        torch.rand(3, 5).softmax(dim=1)
        functional.softmax(torch.rand(2, 3, 4, 5), dim=1)
    assert not attentions


def test_only_the_watched_module_is_looked_at() -> None:
    class Attending(nn.Module):
        def forward(self, tokens: Tensor) -> Tensor:
            return FUSED(tokens, tokens, tokens)

    network, tokens = nn.Sequential(Attending(), Attending()), torch.rand(1, 2, 3, 4)
    attentions: list[Any] = []
    with watched_attention(network[1], attentions.append):
        network(tokens)
    assert len(attentions) == 1
    network(tokens)
    assert len(attentions) == 1
    assert not any("forward" in vars(module) for module in network)
