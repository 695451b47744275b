"""The residual networks and MobileFaceNet: the conformance suite and their fingerprints."""

import json
import re
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone, check_published_input

# The fingerprint of each backbone, and for sizes without one that of another size and the blocks in each stage.
FINGERPRINTS = {
    "arcface_iresnet18": "iresnet18",
    "arcface_iresnet50": "iresnet50",
    "arcface_iresnet100": "iresnet100",
    "crfiqa_iresnet100": "crfiqa_iresnet100",
    "insightface_mbf": "insightface_mbf",
    "magface_iresnet18": "magface_iresnet18",
    "magface_iresnet100": "magface_iresnet100",
}
RESIZED = {
    "arcface_iresnet34": ("iresnet18", (3, 4, 6, 3)),
    "arcface_iresnet200": ("iresnet18", (6, 26, 60, 6)),
    "crfiqa_iresnet50": ("crfiqa_iresnet100", (3, 4, 14, 3)),
    "magface_iresnet50": ("magface_iresnet18", (3, 4, 14, 3)),
}
SMALLEST = ("arcface_iresnet18", "crfiqa_iresnet50", "insightface_mbf", "magface_iresnet18")
LARGE = [pytest.param(name, marks=pytest.mark.slow) for name in {**FINGERPRINTS, **RESIZED} if name not in SMALLEST]


def of_table(table: dict[str, Any]) -> list[Any]:
    """Names of a table, the large networks as slow."""
    return [name if name in SMALLEST else pytest.param(name, marks=pytest.mark.slow) for name in table]


@pytest.fixture(scope="module", params=[*SMALLEST, *LARGE])
def named(request: pytest.FixtureRequest) -> tuple[str, Backbone]:
    """A name and its backbone, built once."""
    torch.manual_seed(0)
    return request.param, create_backbone(request.param)


@pytest.fixture(scope="module")
def fingerprint(shared: Path) -> Callable[[str], dict[str, Any]]:
    return lambda name: json.loads((shared / "golden" / "architectures" / f"{name}.json").read_text())


def shapes(keys: list[tuple[str, list[int], str]]) -> dict[str, tuple[list[int], str]]:
    return {key: (shape, kind) for key, shape, kind in keys}


def resized(keys: dict[str, Any], blocks: tuple[int, ...]) -> dict[str, Any]:
    """The keys of a network with that many blocks in each stage, all but the first of a stage like the second."""
    changed = {}
    for key, value in keys.items():
        block = re.fullmatch(r"(.*layer(\d)\.)(\d+)(\..*)", key)
        if block is None or block[3] == "0":
            changed[key] = value
        elif block[3] == "1":
            changed |= {f"{block[1]}{index}{block[4]}": value for index in range(1, blocks[int(block[2]) - 1])}
    return changed


def norms(backbone: Backbone) -> Counter[str]:
    """Count the batch normalisations of each kind and eps."""
    modules = [module for module in backbone.network.modules() if isinstance(module, _BatchNorm)]
    return Counter(f"{type(module).__name__} eps={module.eps}" for module in modules)


# --- what they compute


@pytest.mark.parametrize("named", of_table(FINGERPRINTS), indirect=True)
def test_it_computes_what_the_published_network_computes(
    named: tuple[str, Backbone],
    fingerprint: Callable[[str], dict[str, Any]],
    matches_fingerprint: Callable[..., None],
) -> None:
    name, backbone = named
    published = fingerprint(FINGERPRINTS[name])
    assert norms(backbone) == published["checks"]["norm_layers"]
    outputs = []

    def embed(output: Any) -> Tensor:
        outputs.append(output)
        return backbone.embed(output)

    matches_fingerprint(deepcopy(backbone.network), FINGERPRINTS[name], embed=embed)
    # CR-FIQA's head gives a second tensor.
    qualities = [torch.tensor(values)[:, 0] for values in published["extra_outputs"].values()]
    own = [backbone.quality(output) for output in outputs if isinstance(output, tuple)]
    torch.testing.assert_close(own, qualities, rtol=1e-4, atol=0)


@pytest.mark.parametrize("named", of_table(RESIZED), indirect=True)
def test_other_sizes_repeat_the_blocks_of_the_published_ones(
    named: tuple[str, Backbone], fingerprint: Callable[[str], dict[str, Any]]
) -> None:
    name, backbone = named
    published, blocks = RESIZED[name]
    assert norms(backbone).keys() == fingerprint(published)["checks"]["norm_layers"].keys()
    own = [(key, list(value.shape), str(value.dtype)[6:]) for key, value in backbone.network.state_dict().items()]
    assert shapes(own) == resized(shapes(fingerprint(published)["keys"]), blocks)


def test_every_module_that_fires_is_a_candidate(
    named: tuple[str, Backbone], fingerprint: Callable[[str], dict[str, Any]]
) -> None:
    name, backbone = named
    layers = [layer.name for layer in check_backbone(backbone, allow_silent=False)]
    published = fingerprint(FINGERPRINTS[name] if name in FINGERPRINTS else RESIZED[name][0])
    never = {*published["never_fired"]["containers"], *(other for other, _ in published["never_fired"]["other"])}
    assert set(layers) == {module for module, _ in backbone.network.named_modules()} - {"", *never}
    if name in FINGERPRINTS:
        assert len(layers) == published["n_fired"] - 1


def test_the_larger_mobilefacenet_has_the_published_blocks_of_four_times_the_width() -> None:
    backbone = create_backbone("insightface_mbf_large")
    layers = backbone.network.get_submodule("layers")
    assert [len(layers[stage].layers) for stage in (1, 3, 5, 7)] == [2, 8, 12, 4]
    assert [layers[stage].layers[0].layers[0].layers[0].in_channels for stage in (1, 3, 5, 7)] == [256, 256, 512, 512]
    check_backbone(backbone, allow_silent=False)


@pytest.mark.parametrize("named", ["magface_iresnet18"], indirect=True)
def test_the_quality_of_magface_is_the_length_of_the_embedding(named: tuple[str, Backbone]) -> None:
    embeddings = torch.tensor([[3.0, 4.0], [0.0, -2.0]])
    assert named[1].quality(embeddings).tolist() == [5.0, 2.0]


# --- how they are fed


def as_rgb(opencv: Tensor) -> Tensor:
    """To red, green, blue, and to -1..1."""
    return (opencv.flip(3).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5


def as_bgr(opencv: Tensor) -> Tensor:
    """As OpenCV reads files, to 0..1."""
    return opencv.permute(0, 3, 1, 2) / 255


@pytest.mark.parametrize(
    ("named", "published"),
    [
        # arcface_torch/inference.py: cv2.imread, then to RGB, x / 255, - 0.5, / 0.5.
        ("arcface_iresnet18", as_rgb),
        ("insightface_mbf", as_rgb),
        # MagFace, inference/gen_feat.py (and dataloader.py in training): cv2.imread, then ToTensor; mean 0, std 1.
        ("magface_iresnet18", as_bgr),
        # CR-FIQA, eval/verification.py: mxnet's imdecode, which gives RGB, then (x / 255 - 0.5) / 0.5. Its evaluation
        # reads with cv2.imread and swaps nothing, but from files that feature_extraction/extract_bin.py and
        # extract_xqlfw.py wrote with their channels swapped ("in BGR format", says its README): RGB again.
        ("crfiqa_iresnet50", as_rgb),
    ],
    indirect=["named"],
)
def test_colours_enter_in_the_published_order(
    named: tuple[str, Backbone], published: Callable[[Tensor], Tensor]
) -> None:
    check_published_input(named[1], published)
