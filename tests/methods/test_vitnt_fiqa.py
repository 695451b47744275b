"""ViTNT-FIQA beside its formula, token by token."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from vit_by_hand import SMALL_NETWORKS, plain_vit, seeded, small_vit, steps

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.errors import BackboneError, ConfigurationError
from froq_lightning.methods.vitnt_fiqa import VitntFiqa

NETWORKS: dict[str, tuple[dict[str, Any], int]] = {
    "timm": ({"architecture": "vit_tiny_patch16_224", "img_size": 112}, 1),
    "insightface_vit_t": ({}, 0),
    "transface_vit_s": ({}, 0),
}
PREFIXES = {"class token": 1, "registers": 3, "patches": 0}


def by_hand(backbone: Backbone, images: Tensor, blocks: int, prefix: int, *, weighted: bool) -> list[float]:
    used = list(steps(backbone.network, backbone.inputs(images)))[:blocks]
    network = backbone.network
    # timm's networks that pool the patches may have their only norm behind that.
    norm = network.fc_norm if isinstance(network.norm, nn.Identity) else network.norm
    with torch.no_grad():
        outputs = [norm(tokens).double() for _, tokens in used]
    attention = used[-1][0].softmax(dim=3)
    scores = []
    for image in range(len(images)):
        similarities, weights = [], []
        for token in range(prefix, outputs[0].shape[1]):
            unit = [tokens[image, token] / tokens[image, token].norm() for tokens in outputs]
            distances = [float((after - before).norm()) for before, after in pairwise(unit)]
            similarities.append(2 / (1 + math.exp(8 * sum(distances) / len(distances))))
            weights.append(float(attention[image, :, :, token].mean(dim=0).sum()) if weighted else 1.0)
        scores.append(sum(w * s for w, s in zip(weights, similarities, strict=True)) / sum(weights))
    return scores


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_the_formula_on_real_faces(name: str, calibration_images: Tensor) -> None:
    options, prefix = NETWORKS[name]
    backbone, images = seeded(name, **options), calibration_images[::16]
    expected = by_hand(backbone, images, 10, prefix, weighted=True)  # 5/6 of 12 blocks
    assert VitntFiqa().score(backbone, images).tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("kind", SMALL_NETWORKS)
@pytest.mark.parametrize("blocks", [2, 4, 6])
def test_it_is_the_formula_with_each_option(kind: str, weighted: bool, blocks: int, small_images: Tensor) -> None:
    backbone = small_vit(kind)
    scores = VitntFiqa(weighted=weighted, blocks=blocks).score(backbone, small_images)
    expected = by_hand(backbone, small_images, blocks, PREFIXES[kind], weighted=weighted)
    assert scores.tolist() == pytest.approx(expected, rel=1e-4)
    for block in backbone.network.blocks:
        block.attn.fused_attn = False
    unfused = VitntFiqa(weighted=weighted, blocks=blocks).score(backbone, small_images)
    assert torch.allclose(unfused, scores, rtol=1e-5)


@pytest.mark.parametrize(("depth", "blocks"), [(24, 20), (12, 10), (7, 6), (3, 2), (2, 2)])
def test_by_default_it_uses_the_published_share_of_the_blocks(depth: int, blocks: int, small_images: Tensor) -> None:
    backbone = small_vit(depth=depth)
    assert torch.equal(
        VitntFiqa().score(backbone, small_images), VitntFiqa(blocks=blocks).score(backbone, small_images)
    )


def test_attention_that_is_summed_in_parts_is_the_whole(small_images: Tensor) -> None:
    backbone = small_vit(patch_size=2)  # 257 tokens
    expected = by_hand(backbone, small_images[:2], 5, 1, weighted=True)
    assert VitntFiqa().score(backbone, small_images[:2]).tolist() == pytest.approx(expected, rel=1e-4)


def test_blocks_out_of_range_are_refused(small_images: Tensor) -> None:
    with pytest.raises(ConfigurationError, match="Expected `blocks` to be at least 2, but got 1"):
        VitntFiqa(blocks=1)
    message = "Expected `blocks` to be at most 6, as many as VisionTransformer has, but got 7"
    with pytest.raises(BackboneError, match=message):
        VitntFiqa(blocks=7).score(small_vit(), small_images)


def test_a_network_without_a_norm_is_refused(small_images: Tensor) -> None:
    with pytest.raises(
        BackboneError, match="ViTNT-FIQA needs a norm after the last block, but VisionTransformer has none"
    ):
        VitntFiqa().score(small_vit(fc_norm=False, final_norm=False), small_images)


def test_patches_need_not_make_a_square_where_the_network_says_which_tokens_they_are(small_images: Tensor) -> None:
    backbone, images = small_vit("patches", img_size=(32, 24), size=(32, 24)), small_images[..., :24]
    expected = by_hand(backbone, images, 5, 0, weighted=True)
    assert VitntFiqa().score(backbone, images).tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("extra", [0, 1, 2])
@pytest.mark.parametrize("has_map", [True, False])
def test_elsewhere_a_map_tells_the_number_of_patches_or_else_a_square(
    extra: int, has_map: bool, small_images: Tensor
) -> None:
    backbone = plain_vit(extra=extra, has_map=has_map)
    if extra == 2 and not has_map:
        message = "to know which tokens are patches, but PlainViT has 18, which make no square; choose another method"
        with pytest.raises(BackboneError, match=message):
            VitntFiqa().score(backbone, small_images)
    else:
        expected = by_hand(backbone, small_images, 2, extra, weighted=True)
        assert VitntFiqa().score(backbone, small_images).tolist() == pytest.approx(expected, rel=1e-4)


class Residual(nn.Module):
    """Adds what its attention gives to the tokens, and only then goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.vit = plain_vit().network

    def forward(self, inputs: Tensor) -> Tensor:
        tokens = self.vit.patch_embed(inputs).flatten(2).transpose(1, 2)
        for block in self.vit.blocks:
            tokens = tokens + block(tokens)
        return self.vit.head(self.vit.norm(tokens).mean(dim=1))


def test_blocks_that_return_what_is_added_to_the_tokens_are_refused(small_images: Tensor) -> None:
    backbone = Backbone.with_weights(Residual(), Preprocessing((32, 32)), None)
    message = (
        r"needs blocks that each take the tokens that the one before returned, .* such as 'vit\.blocks\.1'; choose"
    )
    with pytest.raises(BackboneError, match=message):
        VitntFiqa().score(backbone, small_images)
    assert not any(module._forward_pre_hooks for module in backbone.network.modules())
