"""iresnet of ArcFace, MagFace and CR-FIQA, and mbf: against their fingerprints, with the published files, as backbones."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from froq_insightface.arcface import arcface_iresnet18, arcface_iresnet34
from froq_insightface.crfiqa import CrFiqa, crfiqa_iresnet50
from froq_insightface.iresnet import DEPTHS, IResNet
from froq_insightface.magface import MagFace, magface_iresnet18
from froq_insightface.mbf import MobileFaceNet, insightface_mbf
from torch import Tensor, nn

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone
from froq_lightning.errors import WeightsError
from froq_lightning.methods.network_quality import NetworkQuality

PUBLISHED: dict[str, Callable[[], nn.Module]] = {
    "iresnet18": partial(IResNet, 18),
    "iresnet50": partial(IResNet, 50),
    "iresnet100": partial(IResNet, 100),
    "magface_iresnet18": partial(MagFace, 18),
    "magface_iresnet100": partial(MagFace, 100),
    "crfiqa_iresnet100": partial(CrFiqa, 100),
    "insightface_mbf": MobileFaceNet,
}
# Backbone: modules that fire, and the one that does not.
FIRING = {
    "arcface_iresnet18": (79, None),
    "arcface_iresnet34": (135, None),
    "magface_iresnet18": (80, "features.avgpool"),
    "crfiqa_iresnet50": (192, None),
    "insightface_mbf": (270, "layers"),
}


def first(output: Any) -> Tensor:
    return output[0] if isinstance(output, tuple) else output


@pytest.fixture(scope="module")
def arcface() -> Backbone:
    torch.manual_seed(0)
    return arcface_iresnet18()


@pytest.fixture(scope="module")
def magface() -> Backbone:
    torch.manual_seed(0)
    return magface_iresnet18()


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_computes_what_the_published_network_computes(name: str, matches_fingerprint: Callable[..., None]) -> None:
    matches_fingerprint(PUBLISHED[name](), name, embed=first)


@pytest.mark.parametrize("name", FIRING)
def test_every_module_that_fires_is_a_candidate(name: str) -> None:
    backbone = create_backbone(name)
    layers = check_backbone(backbone, allow_silent=False)
    fires, silent = FIRING[name]
    modules = {module for module, _ in backbone.network.named_modules() if module}
    assert len(layers) == fires
    assert modules - {layer.name for layer in layers} == ({silent} if silent else set())


def test_layers_are_listed_as_they_are_executed(arcface: Backbone) -> None:
    fired = [layer.name for layer in check_backbone(arcface)]
    assert fired[:4] == ["conv1", "bn1", "prelu", "layer1.0.bn1"]
    assert fired.index("layer1.0.bn3") < fired.index("layer1.0") < fired.index("layer1") < fired.index("layer2.0.bn1")
    assert fired[-4:] == ["bn2", "dropout", "fc", "features"]


def test_depths_without_a_fingerprint_follow_the_pattern() -> None:
    with torch.device("meta"):
        keys = {depth: len(IResNet(depth).state_dict()) for depth in DEPTHS}
    # 18 keys a block, 6 for each of four projections, 19 around them.
    assert keys == {depth: 18 * sum(blocks) + 24 + 19 for depth, blocks in DEPTHS.items()}


@pytest.mark.parametrize(
    "name", ["arcface_iresnet50", "arcface_iresnet200", "magface_iresnet100", "crfiqa_iresnet100", "insightface_mbf"]
)
def test_it_builds_without_values(name: str) -> None:
    with torch.device("meta"):
        backbone = create_backbone(name)
    assert all(value.is_meta for value in backbone.network.state_dict().values())


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("arcface_iresnet18", lambda rgb: (rgb / 255 - 0.5) / 0.5),
        ("insightface_mbf", lambda rgb: (rgb / 255 - 0.5) / 0.5),
        ("crfiqa_iresnet50", lambda rgb: (rgb / 255 - 0.5) / 0.5),
        ("magface_iresnet18", lambda rgb: rgb[:, [2, 1, 0]] / 255),
    ],
)
def test_colours_enter_in_the_published_order(
    name: str, published: Callable[[Tensor], Tensor], embedded: Callable[..., Tensor]
) -> None:
    """insightface's `inference.py` turns OpenCV's BGR into RGB; MagFace keeps BGR and only divides by 255.

    CR-FIQA's scripts decode to RGB, let OpenCV write and read the files without conversion, and so feed RGB.
    """
    backbone = create_backbone(name)
    rgb = torch.randint(0, 256, (2, 3, 112, 112), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    rgb[:, 2] //= 4  # little blue
    with torch.no_grad():
        expected, swapped = (
            backbone.embed(backbone.network(inputs)) for inputs in (published(rgb), published(rgb).flip(1))
        )
    torch.testing.assert_close(embedded(backbone, rgb), expected)
    assert not torch.allclose(swapped, expected, atol=1e-3 * float(expected.abs().max()))


def test_the_networks_own_quality(magface: Backbone) -> None:
    images = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        embeddings = magface.network(images.flip(1))
    torch.testing.assert_close(NetworkQuality().score(magface, images), embeddings.norm(dim=1))
    crfiqa = crfiqa_iresnet50()
    with torch.no_grad():
        embeddings, told = crfiqa.network((images - 0.5) / 0.5)
    torch.testing.assert_close(NetworkQuality().score(crfiqa, images), told[:, 0])
    torch.testing.assert_close(crfiqa.embed((embeddings, told)), embeddings)


# --- checkpoints


def resumed(state: dict[str, Tensor]) -> dict[str, Any]:
    """What `train_v2.py` leaves to go on from."""
    fc = {"weight": torch.zeros(10, 512)}
    return {"epoch": 3, "state_dict_backbone": OrderedDict(state), "state_dict_softmax_fc": fc, "state_optimizer": {}}


def trained(state: dict[str, Tensor], prefix: str, head: str) -> dict[str, Any]:
    """As MagFace publishes its weights, in either layout of parallel training."""
    weights = {prefix + key.removeprefix("features."): value for key, value in state.items()}
    return {"epoch": 25, "arch": "iresnet18", "state_dict": {**weights, head: torch.zeros(512, 10)}, "optimizer": {}}


def test_published_files_of_insightface_load(arcface: Backbone, loads: Callable[..., Backbone]) -> None:
    state = arcface.network.state_dict()
    loads(arcface_iresnet18, OrderedDict(state), arcface, "backbone.pth")
    loads(arcface_iresnet18, resumed(state), arcface, "checkpoint_gpu_0.pt")
    mbf = insightface_mbf()
    loads(insightface_mbf, mbf.network.state_dict(), mbf, "model.pt")


@pytest.mark.parametrize(
    ("prefix", "head"),
    [
        ("features.module.", "fc.weight"),
        ("features.module.", "parallel_fc.module.weight"),
        ("module.features.", "module.fc.weight"),
    ],
)
def test_published_files_of_magface_load(
    prefix: str, head: str, magface: Backbone, loads: Callable[..., Backbone]
) -> None:
    loads(magface_iresnet18, trained(magface.network.state_dict(), prefix, head), magface, "magface.pth")


def test_published_files_of_crfiqa_load(loads: Callable[..., Backbone]) -> None:
    like = crfiqa_iresnet50()
    loads(crfiqa_iresnet50, OrderedDict(like.network.state_dict()), like, "32572backbone.pth")


def test_other_files_are_refused_with_the_difference(
    arcface: Backbone, magface: Backbone, refuses: Callable[..., None]
) -> None:
    state = arcface.network.state_dict()
    refuses(arcface_iresnet34, state, r"144 missing \(layer1\.2\.bn1")
    refuses(arcface_iresnet18, state | {"weight": torch.zeros(10, 512)}, r"keys 1 unexpected \(weight\)")
    refuses(arcface_iresnet18, {f"module.{key}": value for key, value in state.items()}, r"187 unexpected \(module\.")
    refuses(crfiqa_iresnet50, state, r"\d+ missing")
    refuses(magface_iresnet18, state, "no key in weights.pth starts with 'features.module.' or 'module.features.'")
    refuses(arcface_iresnet18, trained(magface.network.state_dict(), "features.module.", "fc.weight"), "188 unexpected")


def test_damage_and_code_are_refused(arcface: Backbone, refuses_damage: Callable[..., None]) -> None:
    refuses_damage(arcface_iresnet18, arcface.network.state_dict())


@pytest.mark.parametrize(
    ("name", "prefix", "told"),
    [
        ("arcface_iresnet50", "", "it is a checkpoint of arcface_iresnet18"),
        ("insightface_mbf", "", "it is a checkpoint of arcface_iresnet18"),
        ("arcface_iresnet18", "features.module.", "it is a checkpoint of magface_iresnet18"),
        (
            "magface_iresnet18",
            "encoder.",
            "its tensors are those of magface_iresnet18 or arcface_iresnet18, under other",
        ),
    ],
)
def test_the_error_names_the_right_backbone(
    name: str, prefix: str, told: str, arcface: Backbone, tmp_path: Path
) -> None:
    state = {prefix + key: value for key, value in arcface.network.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match=told):
        create_backbone(name, weights=str(tmp_path / "weights.pth"))
