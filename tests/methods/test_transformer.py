"""The blocks of a transformer are found, other networks are refused with the reason, and nothing is left behind."""

import gc
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention as attend
from torch.overrides import has_torch_function
from vit_by_hand import SMALL_NETWORKS, plain_vit, seeded, small_vit

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.conformance import check_method
from froq_lightning.errors import BackboneError
from froq_lightning.methods.attn_fiqa import AttnFiqa
from froq_lightning.methods.embedding_norm import EmbeddingNorm
from froq_lightning.methods.scoring import MethodScorer
from froq_lightning.methods.transformer import TransformerMethod
from froq_lightning.methods.vitnt_fiqa import VitntFiqa

METHODS = (AttnFiqa(), VitntFiqa(), VitntFiqa(weighted=False, blocks=3))
LOGITS = "needs the logits of one attention among all tokens of an image, but"
NO_BLOCKS = r"needs blocks with attention, which run one after another and all return \[B, N, D\] tokens, but"
ELSEWHERE = (
    r"needs all attention to be in blocks that run one after another and return \[B, N, D\] tokens, but {} of these "
    "and attention elsewhere too; choose another method"
)


@pytest.mark.parametrize(
    ("name", "options", "blocks", "tokens", "prefix", "norm"),
    [
        ("timm", {"architecture": "vit_tiny_patch16_224", "img_size": 112}, 12, 50, 1, "norm"),
        ("timm", {"architecture": "test_vit2", "img_size": 112}, 8, 50, 1, "fc_norm"),
        ("timm", {"architecture": "vit_small_patch16_dinov3", "img_size": 112, "depth": 4}, 4, 54, 5, "norm"),
        ("timm", {"architecture": "vit_tiny_r_s16_p8_224", "size": 224}, 12, 50, 1, "norm"),
        ("timm", {"architecture": "vit_intern300m_patch14_448", "img_size": 112, "depth": 2}, 2, 65, 1, ""),
        ("insightface_vit_t", {}, 12, 144, 0, "norm"),
        ("transface_vit_s", {}, 12, 144, 0, "norm"),
    ],
)
def test_blocks_tokens_and_norm_are_found(
    name: str, options: dict[str, Any], blocks: int, tokens: int, prefix: int, norm: str
) -> None:
    backbone = create_backbone(name, **options)
    found = AttnFiqa().transformer(backbone, torch.zeros(1, 3, *backbone.preprocessing.size))
    assert [block.name for block in found.blocks] == [f"blocks.{number}" for number in range(blocks)]
    assert (found.tokens, found.prefix, found.norm) == (tokens, prefix, norm)
    assert not any(block.fault for block in found.blocks)


def small(architecture: str, **options: Any) -> Backbone:
    return create_backbone("timm", architecture=architecture, **options)


BEIT = {"img_size": 32, "size": 32, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 2}
XCIT = {"img_size": 64, "size": 64, "depth": 2, "num_heads": 4}


class Encoder(nn.Module):
    """torch's own transformer."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.patch_embed = nn.Conv2d(3, 16, 8, 8)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(16), enable_nested_tensor=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.encoder(self.patch_embed(inputs).flatten(2).transpose(1, 2)).mean(dim=1)


def repeated() -> Backbone:
    """A network that runs the same block three times."""
    backbone = plain_vit()
    blocks = backbone.network.blocks
    blocks[1] = blocks[2] = blocks[0]
    return backbone


REFUSED: dict[str, tuple[Any, str]] = {
    "convolutions": (lambda: small("convnext_atto"), f"{NO_BLOCKS} ConvNeXt has none; choose another method"),
    "channels of maps": (lambda: create_backbone("edgeface_xxs"), f"{NO_BLOCKS} EdgeFace has none"),
    "channels of tokens": (
        lambda: small("xcit_nano_12_p16_224", **XCIT, embed_dim=32),
        rf"{LOGITS} Xcit has logits of shape \[2, 4, 8, 8\] for 2 images of 16 tokens in 'blocks\.1'; choose another",
    ),
    "as many channels as tokens": (
        lambda: small("xcit_nano_12_p16_224", **XCIT, embed_dim=64),
        rf"{LOGITS} Xcit adds .* or changes them in another way, in 'blocks\.1'; choose another method",
    ),
    "windows of maps": (lambda: small("swin_tiny_patch4_window7_224", img_size=112), f"{NO_BLOCKS} SwinTransformer"),
    "windows of tokens": (
        lambda: create_backbone("swinface"),
        rf"{LOGITS} SwinFace has logits of shape \[8, 12, 49, 49\] for 2 images of 196 tokens in 'backbone\.layers\.2",
    ),
    "stages": (lambda: small("pit_ti_224", img_size=112), ELSEWHERE.format("PoolingVisionTransformer has 6")),
    "pooling by attention": (
        lambda: small_vit(global_pool="map", class_token=False),
        ELSEWHERE.format("VisionTransformer has 6"),
    ),
    "mixed heads": (
        lambda: small("cait_xxs24_224", img_size=112, depth=2),
        rf"{LOGITS} Cait adds a .* 'blocks\.1'; ch",
    ),
    "position bias": (lambda: small("beit_base_patch16_224", **BEIT), rf"{LOGITS} Beit adds a position bias or a mask"),
    "two attentions": (
        lambda: small("vit_small_patch16_18x2_224", **BEIT),
        rf"{LOGITS} VisionTransformer runs 2 attentions in 'blocks\.2'; choose another method",
    ),
    "MultiheadAttention": (
        lambda: Backbone.with_weights(Encoder(), Preprocessing((32, 32)), None),
        rf"{LOGITS} Encoder runs nn\.MultiheadAttention, which does not show them, in 'encoder\.layers\.1'; choose an",
    ),
    "one block": (
        lambda: plain_vit(attend),
        f"{NO_BLOCKS} PlainViT has none",
    ),
    "a block used again": (repeated, f"{NO_BLOCKS} PlainViT has none"),
}


@pytest.mark.parametrize("method", [AttnFiqa(), VitntFiqa()])
@pytest.mark.parametrize("network", REFUSED)
def test_a_network_that_does_not_show_what_the_method_needs_is_refused(network: str, method: TransformerMethod) -> None:
    build, message = REFUSED[network]
    backbone = build()
    images = torch.zeros(3, 3, *backbone.preprocessing.size, dtype=torch.uint8)
    # ViTNT-FIQA reads the attention of an earlier block than the last.
    with pytest.raises(BackboneError, match=f"{method.title} {message}".replace(r"blocks\.2'", r"blocks\.[12]'")):
        method.score(backbone, images)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", SMALL_NETWORKS)
def test_the_methods_keep_the_contract(kind: str, method: TransformerMethod) -> None:
    check_method(method, small_vit(kind))


@pytest.mark.parametrize("method", METHODS[:2])
def test_the_methods_keep_the_contract_on_a_network_for_faces(
    method: TransformerMethod, calibration_images: Tensor
) -> None:
    check_method(method, seeded("insightface_vit_t"), calibration_images[:3])


@pytest.mark.parametrize("is_fused", [True, False], ids=["fused", "unfused"])
def test_methods_that_look_at_the_same_blocks_share_a_pass(is_fused: bool, small_images: Tensor) -> None:
    backbone = small_vit()
    passes: list[int] = []
    for block in backbone.network.blocks:
        block.attn.fused_attn = is_fused
    methods = {str(method): method for method in (*METHODS, VitntFiqa(blocks=6), AttnFiqa(), EmbeddingNorm())}
    alone = torch.stack([method.score(backbone, small_images).double() for method in methods.values()], dim=1)
    scorer = MethodScorer(backbone, methods)
    for _ in range(6):
        passes.clear()
        hook = backbone.network.register_forward_hook(lambda *_: passes.append(1))
        scores = scorer.score(small_images)
        hook.remove()
        assert torch.allclose(scores.qualities, alone, rtol=1e-5)
        assert not scores.refusals
    assert len(passes) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "where", ["blocks.2.attn.proj", "blocks.3.attn.qkv", "blocks.4.attn.proj", "blocks.5.mlp", "head"]
)
def test_a_pass_that_breaks_down_leaves_nothing_behind(
    where: str, method: TransformerMethod, small_images: Tensor
) -> None:
    backbone = small_vit()
    expected = method.score(backbone, small_images)
    module = backbone.network.get_submodule(where)

    def break_down(*_: Any) -> None:
        raise KeyError("out of order")

    with module.register_forward_pre_hook(break_down), pytest.raises(KeyError, match="out of order"):
        method.score(backbone, small_images)
    with module.register_forward_pre_hook(break_down), pytest.raises(KeyError, match="out of order"):
        type(method)().score(backbone, small_images)  # in its dry run
    assert not has_torch_function((small_images,))
    assert not any("forward" in vars(each) or each._forward_hooks for each in backbone.network.modules())
    assert torch.equal(method.score(backbone, small_images), expected)


@pytest.mark.parametrize("method", METHODS)
def test_blocks_are_found_once_and_networks_are_not_kept(method: TransformerMethod, small_images: Tensor) -> None:
    backbone, passes = small_vit(), []
    hook = backbone.network.register_forward_hook(lambda _, args, __: passes.append(len(args[0])))
    for _ in range(3):
        method.score(backbone, small_images)
    assert passes == [2, 14, 14, 14]
    hook.remove()
    network = weakref.ref(backbone.network)
    del backbone, hook
    gc.collect()
    assert network() is None


def test_attention_that_changes_after_the_dry_run_is_noticed(small_images: Tensor) -> None:
    backbone, method = plain_vit(), AttnFiqa()
    method.score(backbone, small_images)
    backbone.network.blocks[2].attend = lambda q, k, v: attend(q, k, v, attn_mask=torch.zeros(16, 16))
    with pytest.raises(BackboneError, match=r"PlainViT adds a position bias .* in 'blocks\.2'"):
        method.score(backbone, small_images)
