"""Each network against the fingerprint of its published code: names, shapes, norms and outputs for known weights."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone

FINGERPRINTS = {
    "adaface_ir18": "adaface_ir_18",
    "adaface_ir50": "adaface_ir_50",
    "adaface_ir101": "adaface_ir_101",
    "adaface_ir_se50": "adaface_ir_se_50",
    "arcface_iresnet18": "iresnet18",
    "arcface_iresnet50": "iresnet50",
    "arcface_iresnet100": "iresnet100",
    "crfiqa_iresnet100": "crfiqa_iresnet100",
    "curricularface_ir101": "curricularface_ir_101",
    "edgeface_xs": "edgeface_xs_gamma_06",
    "edgeface_xxs": "edgeface_xxs",
    "facenet": "facenet_inception_resnet_v1",
    "insightface_mbf": "insightface_mbf",
    "insightface_vit_b": "insightface_vit_b",
    "insightface_vit_t": "insightface_vit_t",
    "magface_iresnet18": "magface_iresnet18",
    "magface_iresnet100": "magface_iresnet100",
    "mobilefacenet": "xiaoccer_mobilefacenet",
    "swinface": "swinface",
    "transface_vit_s": "transface_vit_s",
}
# Keys and parameters of the sizes without a fingerprint, as counted in these networks; EdgeFace's are published.
SIZES = {
    "adaface_ir34": (323, 34_134_080),
    "arcface_iresnet34": (331, 34_139_328),
    "arcface_iresnet200": (1807, 118_833_920),
    "crfiqa_iresnet50": (477, 43_591_361),
    "curricularface_ir50": (347, 43_573_952),
    "cvlface_ir18": (179, 24_020_352),
    "cvlface_ir50": (467, 43_585_600),
    "cvlface_ir101": (917, 65_150_912),
    "ediffiqa_s": (191, 24_551_937),
    "ediffiqa_m": (479, 44_117_185),
    "ediffiqa_l": (929, 65_682_497),
    "edgeface_base": (214, 18_225_812),
    "edgeface_s": (257, 3_652_520),
    "insightface_mbf_large": (606, 6_314_880),
    "insightface_vit_s": (150, 76_023_296),
    "magface_iresnet50": (475, 43_590_848),
    "vitfiqa_c": (156, 76_024_832),
    "vitfiqa_t": (157, 76_025_856),
    "transface_vit_b": (284, 124_471_040),
}
SLOW = {
    "insightface_vit_b",
    "adaface_ir101",
    "curricularface_ir101",
    *(name for name in FINGERPRINTS if name.endswith(("net50", "net100"))),
}
# SwinFace's parts fire, but return several tensors.
NOT_TENSORS = {"swinface": ("backbone", "fam", "tss", "om")}
# What recipe 2 draws around one, because recipe 1 leaves it next to unseen.
SCALES = (".gamma", ".gamma_xca", ".temperature")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in FINGERPRINTS]
)
def test_it_computes_what_the_published_network_computes(name: str, shared: Path) -> None:
    published = json.loads((shared / "golden" / "architectures" / f"{FINGERPRINTS[name]}.json").read_text())
    backbone = create_backbone(name)
    network = backbone.network
    own = [[key, list(value.shape), str(value.dtype)[6:]] for key, value in network.state_dict().items()]
    assert sorted(own) == sorted(published["keys"])
    modules = dict(network.named_modules())
    assert len(modules) == published["n_modules"]
    never = {*published["never_fired"]["containers"], *(other for other, _ in published["never_fired"]["other"])}
    assert set(backbone.candidate_layers) == set(modules) - {"", *never, *NOT_TENSORS.get(name, ())}
    eps = Counter(f"{type(module).__name__} eps={module.eps:g}" for module in modules.values() if _normalises(module))
    assert eps == published["checks"]["norm_layers"]
    for recipe, expected in ((1, published), (2, published.get("recipe_2"))):
        if expected is not None:
            fill(network, recipe)
            _compare(backbone, published, expected)


@pytest.mark.parametrize("name", SIZES)
def test_another_size_keeps_its_number_of_keys_and_parameters(name: str) -> None:
    with torch.device("meta"):
        network = create_backbone(name).network
    own = len(network.state_dict()), sum(parameter.numel() for parameter in network.parameters())
    assert own == SIZES[name]


def fill(network: nn.Module, recipe: int) -> None:
    """Fill a network with the deterministic weights that the fingerprints were taken with."""
    parameters = {name for name, _ in network.named_parameters()}
    for seed, (key, value) in enumerate(sorted(network.state_dict().items())):
        drawn = torch.randn(value.shape, generator=torch.Generator().manual_seed(seed))
        owner, _, kind = key.rpartition(".")
        if kind in ("running_mean", "running_var"):
            value.copy_(0.1 * drawn if kind == "running_mean" else 1 + 0.1 * drawn.abs())
        elif key in parameters:
            value.copy_(_parameter(key, network.get_submodule(owner), drawn, recipe))


def _parameter(key: str, owner: nn.Module, drawn: Tensor, recipe: int) -> Tensor:
    if recipe == 2 and key.endswith(SCALES):
        return 1 + 0.1 * drawn
    if drawn.ndim >= 2:
        return drawn / (drawn.numel() / drawn.shape[0]) ** 0.5 if key.endswith("weight") else 0.02 * drawn
    if key.endswith("weight") and _normalises(owner):
        return 1 + 0.1 * drawn
    return 0.25 + 0.05 * drawn if isinstance(owner, nn.PReLU) else 0.05 * drawn


def _normalises(module: nn.Module) -> bool:
    return isinstance(module, (_NormBase, nn.LayerNorm, nn.GroupNorm))


def _compare(backbone: Backbone, published: dict[str, Any], expected: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(published["input"]["seed"])
    inputs = torch.randn(*published["input"]["shape"], generator=generator).clamp(-1, 1)
    calls: Counter[str] = Counter()
    shapes: dict[str, list[int]] = {}
    norms: dict[str, Tensor] = {}

    def note(name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
        calls[name] += 1
        if isinstance(output, Tensor):
            shapes[name] = list(output.shape)
            # Where attention runs in windows, the published norms are those of the first ones.
            norms[name] = output[: len(inputs)].double().flatten(1).norm(dim=1)

    with ExitStack() as hooks, torch.no_grad():
        for name, module in backbone.network.named_modules():
            hooks.enter_context(module.register_forward_hook(partial(note, name)))
        output = backbone.network(inputs)
    assert (len(calls), calls.total()) == (published["n_fired"], published["module_call_total"])
    assert {name: shapes[name] for name in published["module_output_shapes"]} == published["module_output_shapes"]
    for name, values in expected["module_norms"].items():
        _assert_close(norms[name], torch.tensor(values, dtype=torch.float64), name)
    embedding = backbone.embed(output)
    for row in (0, 1):
        first = torch.tensor(expected["embedding"][f"row{row}_first16"])
        torch.testing.assert_close(embedding[row, :16], first, rtol=0, atol=1e-5 * float(embedding.abs().max()))
    lengths = torch.tensor(expected["embedding"]["row_l2"])
    torch.testing.assert_close(embedding.norm(dim=1), lengths, rtol=1e-5, atol=0)
    if expected is published:
        extra = {name: torch.tensor(values) for name, values in published["extra_outputs"].items()}
        _compare_extra(output, extra)
        if backbone.quality is not None:
            _assert_close(backbone.quality(output), next(iter(extra.values()))[:, 0] if extra else lengths, "quality")


def _compare_extra(output: Any, expected: dict[str, Tensor]) -> None:
    """Compare what a network gives beside its embedding, some of it by its length."""
    if isinstance(output, dict):
        own = {f"om[{name}]": value for name, value in output.items() if name != "Recognition"}
    else:
        own = dict(zip(expected, [] if isinstance(output, Tensor) else output[1:], strict=True))
    assert own.keys() == expected.keys()
    for name, value in own.items():
        _assert_close(value.norm(dim=1, keepdim=True) if name.endswith("l2norm") else value, expected[name], name)


def _assert_close(own: Tensor, published: Tensor, name: str) -> None:
    tolerance = max(1e-5 * float(published.abs().max()), 5e-6)
    message: Callable[[str], str] = partial("{}: {}".format, name)
    torch.testing.assert_close(own, published, rtol=0, atol=tolerance, msg=message)
