"""check_method() and check_set_labeller(): what the tests of one call to know that it keeps its contract."""

import json
from dataclasses import is_dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from froq_lightning.backbones.spec import Backbone
from froq_lightning.backbones.weights import network_sha256
from froq_lightning.errors import ExtensionError
from froq_lightning.methods.quality_method import (
    Labeller,
    QualityMethod,
    RandomMethod,
    SetLabeller,
    SharedPassMethod,
)
from froq_lightning.methods.scoring import shared_pass

IMAGES = 5


def check_method(method: QualityMethod, backbone: Backbone, images: Tensor | None = None) -> None:
    """Check that a quality method keeps its contract on a backbone that it can work on.

    Checked are: a finite score for each image, in floating point and without gradients; the score of an image does not
    depend on the other images, on bytes or floats, on inference mode, on chance, or on when it is asked for; network,
    images and global random numbers stay as they are; the parameters are JSON; a method that reads a pass that others
    read too gives what it gives by itself; a random one draws the number of times that is asked for.

    Args:
        method: the method.
        backbone: it runs on.
        images: `[B, 3, H, W]` uint8 crops, all different; by default, some of noise and smooth colours.

    Raises:
        ExtensionError: naming what is wrong.
        BackboneError: if the method cannot work on this backbone.
    """
    images = _images(backbone) if images is None else images
    _check_parameters(method)
    scores = _score_leaving_all_alone(method, backbone, images)
    if not isinstance(scores, Tensor) or scores.shape != (len(images),) or not scores.is_floating_point():
        raise ExtensionError(f"Expected {len(images)} scores in floating point, but got {scores!r:.100}")
    if not bool(scores.isfinite().all()) or scores.requires_grad:
        raise ExtensionError(f"Expected finite scores without gradients, but got {scores!r:.100}")
    if not torch.equal(method.score(backbone, images), scores):
        raise ExtensionError("Expected the same scores in every run, but they differ")
    one_by_one = torch.cat([method.score(backbone, image) for image in images.split(1)])
    _require_close(scores, one_by_one, "the other images of its batch")
    _require_close(scores, method.score(backbone, images.flip(0)).flip(0), "the order of the images")
    _require_close(scores, method.score(backbone, images / 255), "whether pixels are uint8 or 0..1")
    with torch.inference_mode():
        _require_close(scores, method.score(backbone, images), "inference mode")
    _check_kind(method, backbone, images, scores)


def check_set_labeller(labeller: SetLabeller, backbone: Backbone) -> None:
    """Check that a labeller of whole sets keeps its contract, on images of some subjects and their degraded copies.

    Checked are: labels are `[N]` float64, finite where a sample has an embedding; they depend on neither how samples
    fall into batches nor their order; parameters and facts are JSON.

    Raises:
        ExtensionError: naming what is wrong.
        CalibrationError: if the set allows no labels.
    """
    _check_parameters(labeller)
    images, subjects, originals = _labelled_set(backbone, labeller.copies)
    labeller.require_mates(subjects, originals)
    together, in_parts = (_kept(labeller, backbone, images, originals, size) for size in (len(images), 3))
    labels = labeller.label(together, subjects, originals)
    if labels.labels.shape != (len(images),) or labels.labels.dtype != torch.float64:
        raise ExtensionError(f"Expected {len(images)} labels in float64, but got {labels.labels!r:.100}")
    if not bool(labels.labels.isfinite().all()) or json.loads(json.dumps(labels.facts)) != labels.facts:
        raise ExtensionError(f"Expected finite labels and facts in JSON, but got {labels!r:.100}")
    _require_close(labels.labels, labeller.label(in_parts, subjects, originals).labels, "how samples fall into batches")
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(2))
    moved = labeller.label(together[order], subjects[order], order.argsort()[originals[order]])
    _require_close(labels.labels[order], moved.labels, "the order of the samples")


def _check_parameters(labeller: Labeller) -> None:
    parameters = labeller.parameters()
    if not is_dataclass(labeller) or json.loads(json.dumps(parameters)) != parameters or "micro_batch" in parameters:
        raise ExtensionError(
            f"Expected a dataclass with parameters in JSON, but got {labeller!r:.60} with {parameters}"
        )


def _labelled_set(backbone: Backbone, copies: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw three images, each with copies, of each of five subjects: images, subjects and originals."""
    generator = torch.Generator().manual_seed(1)
    faces = _images(backbone).float().repeat_interleave(3 * (1 + copies), dim=0)
    noise = torch.randn(faces.shape, generator=generator).to(faces) * 8
    samples = torch.arange(len(faces))
    images = (faces + noise).clamp(0, 255).round().to(torch.uint8)
    return images, samples // (3 * (1 + copies)), samples // (1 + copies) * (1 + copies)


def _kept(labeller: SetLabeller, backbone: Backbone, images: Tensor, originals: Tensor, size: int) -> Tensor:
    is_image = originals == torch.arange(len(originals))
    with torch.no_grad():
        embeddings = [backbone.embed(backbone.run(backbone.inputs(part))) for part in images.split(size)]
    batches = zip(images.split(size), embeddings, is_image.split(size), strict=True)
    return torch.cat([labeller.keep(backbone, *batch) for batch in batches]).cpu()


def _images(backbone: Backbone) -> Tensor:
    """Draw images with structure and noise, `[5, 3, H, W]` uint8."""
    generator, size = torch.Generator().manual_seed(0), backbone.preprocessing.size
    smooth = interpolate(torch.rand(IMAGES, 3, 4, 4, generator=generator), size, mode="bilinear")
    noise = torch.rand(IMAGES, 3, *size, generator=generator) * torch.linspace(0, 0.6, IMAGES).view(-1, 1, 1, 1)
    images = (smooth * 0.7 + noise * 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
    return images.to(backbone.device)


def _score_leaving_all_alone(method: QualityMethod, backbone: Backbone, images: Tensor) -> Tensor:
    before, network, state = images.clone(), _state(backbone.network), torch.get_rng_state()
    scores = method.score(backbone, images)
    changed = {
        "the images": not torch.equal(images, before),
        "the global random numbers": not torch.equal(torch.get_rng_state(), state),
        "the network": _state(backbone.network) != network,
    }
    if names := [name for name, is_changed in changed.items() if is_changed]:
        raise ExtensionError(f"Expected scoring to leave everything as it was, but it changes {' and '.join(names)}")
    return scores


def _state(network: nn.Module) -> dict[str, Any]:
    """Describe all of a network that a method must leave as it was."""
    modules = list(network.modules())
    return {
        "values": network_sha256(network),
        "hooks": [(len(module._forward_hooks), len(module._forward_pre_hooks)) for module in modules],
        "forward": ["forward" in vars(module) for module in modules],
        "training": [module.training for module in modules],
        "gradients": [(each.requires_grad, each.grad is None) for each in network.parameters()],
    }


def _require_close(scores: Tensor, others: Tensor, influence: str) -> None:
    """Allow for rounding, which differs between sizes of a batch: a thousandth of the scores or of their spread."""
    tolerance = 1e-4 * float(scores.abs().max()) + 1e-3 * float(scores.max() - scores.min())
    if others.shape != scores.shape or not torch.allclose(others, scores, rtol=0, atol=tolerance):
        raise ExtensionError(
            f"Expected the score of an image not to depend on {influence}, but got {scores!r:.100} and {others!r:.100}"
        )


def _check_kind(method: QualityMethod, backbone: Backbone, images: Tensor, scores: Tensor) -> None:
    if isinstance(method, SharedPassMethod):
        inputs = backbone.inputs(images)
        output, scores_of = shared_pass(backbone, inputs, [method.watch(backbone, inputs)])
        _require_close(scores, scores_of[0](output), "who runs the forward pass")
    if isinstance(method, RandomMethod):
        draws = method.redraw(scores, 3)
        if draws.shape != (len(scores), 3) or not torch.equal(draws[:, 0], scores.to(draws)):
            raise ExtensionError(f"Expected 3 columns of draws that begin with the scores, but got {draws!r:.100}")
