"""Networks that write into their input, mix the images of a batch, or are set to train: scores stay right."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from froq_lightning import FroqModule, QualityScorer
from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.conformance import check_backbone, writes_into_input
from froq_lightning.errors import BackboneError
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.methods.registry import create_method
from froq_lightning.methods.scoring import MethodScorer
from froq_lightning.runs.calibration_run import Calibration

Change = Callable[[Tensor], Tensor]
Calibrate = Callable[..., Calibration]
Evaluate = Callable[..., Evaluation]
METHODS = (
    {"method": "perturbation", "noise": 2, "occlusion": 2},
    {"method": "ser_fiq", "passes": 5},
    {"method": "face_qan", "samples": 2, "steps": 2},
    {"method": "grafiqs", "depth": 0},
    {"method": "grafiqs", "depth": 1},
    {"method": "embedding_norm"},
    {"method": "flip"},
    {"method": "prefiqs"},
)


class OddNet(nn.Module):
    """A network for crops of 32 pixels that changes its input by `start` and its feature maps by `middle`."""

    def __init__(self, start: Change = nn.Identity(), middle: Change = nn.Identity()) -> None:  # noqa: B008
        super().__init__()
        self.start, self.middle = start, middle
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.PReLU(16))
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.dropout = nn.Dropout(0.4)
        self.head = nn.Linear(64, 12)

    def forward(self, inputs: Tensor) -> Tensor:
        features = self.body(self.middle(self.stem(self.start(inputs))))
        return self.head(self.dropout(self.pool(features).flatten(1)))


class Buffered(OddNet):
    """Returns the same memory in every pass, as a captured CUDA graph does."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = torch.empty(64, 12)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.buffer[: len(inputs)].copy_(super().forward(inputs).detach())


class Mirrored(nn.Module):
    """Test-time augmentation: the images and, behind them, their mirror images go through `inner`."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, padding=1)
        self.inner = OddNet()
        self.last = nn.Linear(12, 12)

    def forward(self, inputs: Tensor) -> Tensor:
        inputs = self.first(inputs)
        images, mirrored = self.inner(torch.cat([inputs, inputs.flip(3)])).chunk(2)
        return self.last(images + mirrored)


class SequenceFirst(nn.Module):
    """Its `tokens` have the position first, and the image second."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 8, 8)
        self.tokens = nn.Linear(8, 8)
        self.last = nn.Linear(128, 12)

    def forward(self, inputs: Tensor) -> Tensor:
        tokens = self.tokens(self.first(inputs).flatten(2).permute(2, 0, 1))
        return self.last(tokens.transpose(0, 1).flatten(1))


class Normalised(nn.Module):
    """`branch` is normalised by statistics of the batch, and only looked at; the embedding goes past it."""

    def __init__(self, normalise: Change) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 8, 8)
        self.branch = Applied(normalise)
        self.last = nn.Linear(128, 12)

    def forward(self, inputs: Tensor) -> Tensor:
        features = self.first(inputs)
        self.branch(features)
        return self.last(features.flatten(1))


class Applied(nn.Module):
    def __init__(self, change: Change) -> None:
        super().__init__()
        self.change = change

    def forward(self, features: Tensor) -> Tensor:
        return self.change(features)


BATCH_STATISTICS: dict[str, Change] = {
    "mean": lambda x: x - x.mean(dim=0),
    "largest": lambda x: x / x.abs().max(),
    "one before": lambda x: x + x.roll(1, 0),
    "BatchNorm": nn.BatchNorm2d(8, track_running_stats=False).eval(),
    "softmax over images": lambda x: x.softmax(dim=0),
    "clamped by the first": lambda x: x.clamp(max=float(x[0].max())),
}


def backbone_of(network: nn.Module) -> Backbone:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.2)
    return Backbone.with_weights(network, Preprocessing(size=(32, 32)), None)


@pytest.mark.parametrize(
    ("in_place", "elsewhere"),
    [
        (lambda x: x.sub_(0.3), lambda x: x - 0.3),
        (torch.relu_, torch.relu),
        (lambda x: torch.mul(x, 2, out=x), lambda x: x * 2),
        (lambda x: x.transpose_(2, 3), lambda x: x.transpose(2, 3)),
        (lambda x: x.index_fill_(3, torch.tensor([0, 1]), 0), lambda x: nn.functional.pad(x[..., 2:], (2, 0))),
    ],
    ids=["sub_", "relu_", "out=", "transpose_", "index_fill_"],
)
def test_a_network_that_writes_into_its_input_scores_as_one_that_does_not(
    in_place: Change, elsewhere: Change, small_images: Tensor, request: pytest.FixtureRequest, calibrated: Calibrate
) -> None:
    odd, plain = backbone_of(OddNet(in_place)), backbone_of(OddNet(elsewhere))
    assert writes_into_input(odd)
    assert not writes_into_input(plain)
    differentiable = "out=" not in request.node.name  # PyTorch does not differentiate through `out=`
    for method in map(create_method, METHODS if differentiable else METHODS[:2]):
        assert torch.equal(method.score(odd, small_images), method.score(plain, small_images)), method
    ours, theirs = calibrated(odd, small_images), calibrated(plain, small_images)
    assert torch.equal(ours.table.norms, theirs.table.norms)
    assert torch.equal(ours.table.pseudo_quality, theirs.table.pseudo_quality)
    scorer, other = QualityScorer(odd, ours.observer), QualityScorer(plain, theirs.observer)
    for _ in range(2):  # the first pass ends early, and the first image has run before it
        assert torch.equal(scorer(small_images).quality_score, other(small_images).quality_score)


def test_a_network_that_returns_one_buffer_is_not_compared_with_itself(small_images: Tensor) -> None:
    odd, plain = backbone_of(Buffered()), backbone_of(OddNet())
    methods = {name: create_method({"method": name}) for name in ("perturbation", "embedding_norm")}
    ours, theirs = (MethodScorer(backbone, methods).score(small_images[:4]) for backbone in (odd, plain))
    assert torch.equal(ours.embeddings, theirs.embeddings)
    assert torch.equal(ours.qualities, theirs.qualities)


@pytest.mark.parametrize(
    ("network", "mixed"),
    [
        (Mirrored(), "inner.stem"),
        (SequenceFirst(), "tokens"),
        *((Normalised(change), "branch") for change in BATCH_STATISTICS.values()),
        (Normalised(lambda x: nn.functional.dropout(x, 0.5, training=True)), "branch"),
        (Normalised(lambda x: x + 0.005 * x.mean(dim=0)), "branch"),
    ],
    ids=["mirrored", "sequence first", *BATCH_STATISTICS, "random", "a little of the mean"],
)
def test_layers_that_mix_images_are_left_out_and_scores_do_not_depend_on_the_batch(
    network: nn.Module, mixed: str, small_images: Tensor, calibrated: Calibrate
) -> None:
    backbone = backbone_of(network)
    refused = {layer.name: layer.reason for layer in check_backbone(backbone) if layer.reason}
    assert mixed in refused
    assert not {"first", "last"} & set(refused)
    found = calibrated(backbone, small_images)
    candidates = {layer.name: layer.reason for layer in found.observer.candidates}
    assert candidates[mixed] in ("depends on the other images of its batch", "changes from pass to pass")
    scorer = QualityScorer(backbone, found.observer)
    alone = torch.cat([scorer(image[None]).quality_score for image in small_images])
    torch.testing.assert_close(scorer(small_images).quality_score, alone, rtol=1e-5, atol=1e-6)


def test_an_observer_that_reads_such_a_layer_is_refused(small_images: Tensor, calibrated: Calibrate) -> None:
    backbone = backbone_of(Mirrored())
    observer = calibrated(backbone, small_images).observer
    layers = tuple(replace(layer, name="inner.stem") for layer in observer.layers[:1])
    stem = replace(observer.candidates[0], name="inner.stem", utility=layers[0].utility)
    candidates = (stem, *(layer for layer in observer.candidates if layer.name != "inner.stem"))
    message = "the observer reads layer 'inner.stem', which depends on the other images of its batch; calibrate anew"
    step = replace(observer.trajectory[0], layer="inner.stem")
    old = replace(observer, layers=layers, candidates=candidates, trajectory=(step,), set_utility=step.set_utility)
    with pytest.raises(BackboneError, match=message):
        QualityScorer(backbone, old)(small_images)


@pytest.mark.parametrize("change", BATCH_STATISTICS.values(), ids=list(BATCH_STATISTICS))
def test_an_embedding_that_depends_on_the_batch_is_refused_before_any_image_is_read(
    change: Change, small_images: Tensor, calibrated: Calibrate, evaluated: Evaluate
) -> None:
    backbone = backbone_of(OddNet(middle=change))
    message = "the embedding of an image depends on the other images of its batch"
    for use in (check_backbone, lambda odd: calibrated(odd, small_images), lambda odd: evaluated(odd, small_images)):
        with pytest.raises(BackboneError, match=message):
            use(backbone)


@pytest.mark.parametrize("name", ["network", "body", "dropout"])
def test_a_network_that_somebody_sets_to_train_scores_as_before(
    name: str, small_images: Tensor, calibrated: Calibrate
) -> None:
    backbone = backbone_of(OddNet())
    scorer = QualityScorer(backbone, calibrated(backbone, small_images).observer)
    expected = scorer(small_images, embeddings=True)
    labels = create_method(METHODS[0]).score(backbone, small_images)
    before = {key: value.clone() for key, value in backbone.network.state_dict().items()}
    part = backbone.network if name == "network" else backbone.network.get_submodule(name)
    part.train()
    found = scorer(small_images, embeddings=True)
    assert torch.equal(found.quality_score, expected.quality_score)
    assert torch.equal(found.embeddings, expected.embeddings)
    assert torch.equal(create_method(METHODS[0]).score(backbone, small_images), labels)
    assert torch.equal(calibrated(backbone, small_images).table.pseudo_quality, labels)
    assert part.training  # it stays as somebody wanted it
    assert all(torch.equal(before[key], value) for key, value in backbone.network.state_dict().items())


def test_the_module_keeps_its_network_frozen() -> None:
    module = FroqModule("timm", {"architecture": "resnet10t", "size": 32})
    around = nn.ModuleList([module]).train()
    assert around.training
    assert module.training
    assert not any(part.training for part in module.network.modules())
