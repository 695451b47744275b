"""Every built-in method keeps its contract, and the check notices each way to break it."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from vit_by_hand import small_vit

from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_method, check_set_labeller
from froq_lightning.errors import BackboneError, ExtensionError
from froq_lightning.extensions import METHODS, discover
from froq_lightning.methods.quality_method import ForwardPassMethod, QualityMethod, RandomMethod, SetLabeller, SetLabels
from froq_lightning.methods.registry import create_labeller, create_method

OPTIONS: dict[str, dict[str, Any]] = {
    "perturbation": {"noise": 2, "alpha": 0.3, "occlusion": 3, "micro_batch": 5},
    "ser_fiq": {"passes": 7, "rate": 0.5, "micro_batch": 3},
    "face_qan": {"samples": 2, "steps": 2, "epsilon": 0.01, "micro_batch": 4},
}
TRANSFORMERS = ("attn_fiqa", "vitnt_fiqa")
LABELLERS = ("auto", "mated", "pseudo_mated")
NAMES = [
    name
    for name, method in discover(METHODS).plugins.items()
    if method.distribution == "froq-lightning" and name not in LABELLERS
]


@pytest.mark.parametrize("name", sorted({*NAMES} - {"froq"}))
def test_built_in_methods_keep_the_contract(name: str, staged_backbone: Backbone) -> None:
    backbone = small_vit() if name in TRANSFORMERS else staged_backbone
    check_method(create_method({"method": name, **OPTIONS.get(name, {})}), backbone)


@pytest.mark.parametrize(
    ("network", "name"),
    [*(("edgeface", name) for name in OPTIONS), ("edgeface", "prefiqs"), ("mobilefacenet", "grafiqs")],
)
def test_methods_of_several_passes_keep_the_contract_on_real_networks_and_faces(
    name: str, network: str, calibration_images: Tensor, request: pytest.FixtureRequest
) -> None:
    method = create_method({"method": name, **OPTIONS.get(name, {})})
    check_method(method, request.getfixturevalue(network), calibration_images[:3])


@pytest.mark.parametrize("name", LABELLERS)
def test_built_in_labellers_of_sets_keep_the_contract(name: str, mobilefacenet: Backbone) -> None:
    _, labeller = create_labeller(name)
    assert isinstance(labeller, SetLabeller)
    check_set_labeller(labeller, mobilefacenet)


@dataclass(frozen=True)
class Length(SetLabeller):
    """Labels a sample by the length of its embedding, or by its place."""

    fault: str = ""

    def keep(self, backbone: Backbone, images: Tensor, embeddings: Tensor, is_image: Tensor) -> Tensor:
        del backbone, images, is_image
        return embeddings - embeddings.mean(dim=0) if self.fault == "batches" else embeddings

    def label(self, kept: Tensor, subjects: Tensor, originals: Tensor) -> SetLabels:
        del subjects, originals
        labels = kept.double().norm(dim=1) + (torch.arange(len(kept)) if self.fault == "order" else 0)
        return SetLabels(labels.float() if self.fault == "type" else labels, {}, str)

    def require_mates(self, subjects: Tensor, originals: Tensor) -> None:
        del subjects, originals


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("batches", "how samples fall into batches"),
        ("order", "the order of the samples"),
        ("type", "30 labels in floa"),
    ],
)
def test_a_broken_labeller_of_sets_is_noticed(fault: str, message: str, staged_backbone: Backbone) -> None:
    check_set_labeller(Length(), staged_backbone)
    with pytest.raises(ExtensionError, match=message):
        check_set_labeller(Length(fault), staged_backbone)


@dataclass(frozen=True)
class Mean(QualityMethod):
    """The mean of the pixels, or what `fault` makes of it."""

    fault: str = ""

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        floats = images / 255 if images.dtype == torch.uint8 else images
        scores = (images.float() if self.fault == "bytes" else floats).mean(dim=(1, 2, 3))
        if self.fault == "network":
            next(backbone.network.buffers()).add_(1)
        if self.fault == "images":
            images.zero_()
        weights = next(backbone.network.parameters())
        return {
            "shape": scores.mean,
            "integers": (scores * 100).long,
            "NaN": lambda: scores.where(scores > scores.min(), torch.nan),
            "gradients": lambda: scores * weights.detach().requires_grad_().mean(),
            "batch": lambda: scores - scores.mean(),
            "order": lambda: scores + torch.arange(len(scores)),
            "chance": lambda: scores + torch.rand(len(scores), generator=GENERATOR),
            "global chance": lambda: scores + torch.rand(1),
            "inference": lambda: scores + torch.is_inference_mode_enabled(),
        }.get(self.fault, lambda: scores)()


GENERATOR = torch.Generator()


@dataclass(frozen=True)
class OtherPass(ForwardPassMethod):
    """Scores from a pass differ from those of its own."""

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        return super().score(backbone, images) * 2

    def score_pass(self, backbone: Backbone, inputs: Tensor, output: Any) -> Tensor:
        del inputs
        return backbone.embed(output).norm(dim=1)


@dataclass(frozen=True)
class FewDraws(RandomMethod):
    """Draws once, whatever the number of draws."""

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        return Mean().score(backbone, images)

    def redraw(self, scores: Tensor, draws: int) -> Tensor:
        del draws
        return scores[:, None]


@dataclass(frozen=True)
class NoJson(Mean):
    """Has a parameter that is no JSON value."""

    sizes: tuple[int, ...] = (1, 2)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (NoJson(), "parameters in JSON"),
        (Mean("shape"), "Expected 5 scores in floating point"),
        (Mean("integers"), "Expected 5 scores in floating point"),
        (Mean("NaN"), "Expected finite scores without gradients"),
        (Mean("gradients"), "Expected finite scores without gradients"),
        (Mean("network"), "it changes the network"),
        (Mean("images"), "it changes the images"),
        (Mean("global chance"), "it changes the global random numbers"),
        (Mean("chance"), "the same scores in every run"),
        (Mean("batch"), "not to depend on the other images of its batch"),
        (Mean("order"), "not to depend on the other images of its batch"),
        (Mean("bytes"), r"not to depend on whether pixels are uint8 or 0\.\.1"),
        (Mean("inference"), "not to depend on inference mode"),
        (OtherPass(), "not to depend on who runs the forward pass"),
        (FewDraws(), "Expected 3 columns of draws"),
    ],
)
def test_a_broken_method_is_noticed(method: QualityMethod, message: str, staged_backbone: Backbone) -> None:
    with pytest.raises(ExtensionError, match=message):
        check_method(method, staged_backbone)


def test_a_method_that_cannot_work_here_says_so(staged_backbone: Backbone) -> None:
    with pytest.raises(BackboneError, match="gives no quality of its own"):
        check_method(create_method("network_quality"), dataclasses.replace(staged_backbone, quality=None))
