"""Vision transformers step by step, as their papers write them: what the tests of the methods compare with."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from timm.layers import apply_rot_embed_cat
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone, Preprocessing

SMALL = {"architecture": "vit_tiny_patch16_224", "size": 32, "img_size": 32, "patch_size": 8, "embed_dim": 32}
SMALL_NETWORKS: dict[str, dict[str, Any]] = {
    "class token": {},
    "registers": {"class_token": False, "reg_tokens": 3, "global_pool": "avg", "fc_norm": False, "qk_norm": True},
    "patches": {"class_token": False, "global_pool": "avg"},
}


def small_vit(kind: str = "class token", **options: Any) -> Backbone:
    """A random ViT of 16 patches for crops of 32 pixels."""
    return seeded("timm", **{**SMALL, "depth": 6, "num_heads": 2, "num_classes": 20, **SMALL_NETWORKS[kind], **options})


def seeded(name: str, **options: Any) -> Backbone:
    """A random network, the same on every machine, whose attention is not nearly even, as it is at first."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        backbone = create_backbone(name, **options)
    with torch.no_grad():
        for layer, parameter in backbone.network.named_parameters():
            if layer.endswith(("qkv.weight", "q_proj.weight", "k_proj.weight")):
                parameter.mul_(6)
    return backbone


class PlainBlock(nn.Module):
    """Attention of two heads, computed by a function of queries, keys and values, `[B, 2, N, 8]` each."""

    def __init__(self, attend: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(16), nn.Module()
        self.attn.num_heads, self.attn.qkv = 2, nn.Linear(16, 48)
        self.attend = attend

    def forward(self, tokens: Tensor) -> Tensor:
        queries, keys, values = self.attn.qkv(self.norm1(tokens)).unflatten(2, (3, 2, -1)).permute(2, 0, 3, 1, 4)
        return tokens + self.attend(queries, keys, values).transpose(1, 2).flatten(2)


class PlainViT(nn.Module):
    """A network for crops of 32 pixels that says nothing about its tokens: `extra` ones, then 16 patches.

    Patches are made by a convolution, or where `has_map` is false, by a linear layer.
    """

    def __init__(
        self, *attend: Callable[[Tensor, Tensor, Tensor], Tensor], extra: int = 0, has_map: bool = True
    ) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 16, 8, 8) if has_map else nn.Sequential(nn.Unfold(8, stride=8), Across(192, 16))
        self.extra = nn.Parameter(torch.randn(1, extra, 16))
        self.blocks = nn.ModuleList(PlainBlock(each) for each in attend or 3 * (scaled_dot_product_attention,))
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 20)

    def forward(self, inputs: Tensor) -> Tensor:
        tokens = self.patch_embed(inputs).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.extra.expand(len(tokens), -1, -1), tokens], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.head(self.norm(tokens).mean(dim=1))


class Across(nn.Linear):
    """Maps `[B, in, N]` to `[B, out, N]`."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs.transpose(1, 2)).transpose(1, 2)


def plain_vit(*attend: Callable[[Tensor, Tensor, Tensor], Tensor], extra: int = 0, has_map: bool = True) -> Backbone:
    """A random network of plain blocks, one for each function, or three with fused attention."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return Backbone.with_weights(PlainViT(*attend, extra=extra, has_map=has_map), Preprocessing((32, 32)), None)


def steps(network: nn.Module, inputs: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the `[B, heads, N, N]` float64 logits of each block, and the `[B, N, D]` tokens that it returns."""
    starts: list[Any] = []
    with network.blocks[0].register_forward_pre_hook(lambda _, args: starts.append(args[0])), torch.no_grad():
        network(inputs)
        tokens = starts[0]
        rope = network.rope.get_embed() if getattr(network, "rope", None) else None
        for block in network.blocks:
            queries, keys = (heads.double() for heads in _queries_and_keys(block.attn, block.norm1(tokens), rope))
            logits = torch.einsum("bhid,bhjd->bhij", queries, keys) / queries.shape[-1] ** 0.5
            tokens = block(tokens) if rope is None else block(tokens, rope=rope)
            yield logits, tokens


def _queries_and_keys(attention: nn.Module, tokens: Tensor, rope: Tensor | None) -> tuple[Tensor, Tensor]:
    heads = getattr(attention, "num_heads", 8)  # insightface's have 8
    if getattr(attention, "qkv", None) is not None:
        parts = attention.qkv(tokens).chunk(3, dim=2)[:2]
    else:
        parts = attention.q_proj(tokens), attention.k_proj(tokens)
    queries, keys = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in parts)
    if hasattr(attention, "q_norm"):
        queries, keys = attention.q_norm(queries), attention.k_norm(keys)
    if rope is not None:  # the class token has no place in the image
        queries, keys = (
            torch.cat([each[:, :, :1], apply_rot_embed_cat(each[:, :, 1:], rope)], dim=2) for each in (queries, keys)
        )
    return queries, keys
