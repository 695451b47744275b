"""A graph does as its network does, whatever runs it."""

import json
import math
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import onnx
import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError, ConfigurationError
from froq_lightning.export.graph import QualityGraph
from froq_lightning.methods.froq import FroqQuality

Make = Callable[..., Any]
MakeOdd = Callable[..., Backbone]


@pytest.fixture(params=["convolutional", "transformer", pytest.param("hybrid", marks=pytest.mark.slow)])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("file", ["graph.onnx", "graph.pt2"])
def test_a_graph_embeds_and_scores_any_number_of_images_as_its_network_does(
    backbone: Backbone, file: str, made: Make
) -> None:
    exported = made(backbone, file)
    agreement = exported.export()
    assert agreement.batches == (1, 7, 6)
    assert agreement.score < 1e-4
    assert agreement.embedding < 1e-5
    for size in (1, 5):
        images = 255 - exported.images[:size]
        outputs = exported.run(backbone.inputs(images))
        scores, embeddings = FroqQuality(exported.observer).score_and_embed(backbone, images)
        assert [output.dtype for output in outputs.values()] == [torch.float32, torch.float32, torch.int64]
        torch.testing.assert_close(outputs["quality_score"], scores.float(), rtol=1e-4, atol=1e-4)
        largest = 1e-5 * float(embeddings.norm(dim=1).min())
        torch.testing.assert_close(outputs["embedding"], embeddings, rtol=0, atol=largest)
        assert outputs["quality"].tolist() == exported.observer.quality(scores).tolist()


def test_a_graph_counts_the_quantiles_that_the_observer_searches(convolutional: Backbone, made: Make) -> None:
    exported = made(convolutional)
    quantiles = torch.tensor(exported.observer.quantiles, dtype=torch.float64)
    between = (quantiles[1:] + quantiles[:-1]) / 2
    scores = torch.cat([quantiles, between, torch.tensor([-1e9, 1e9, math.nan, math.inf, -math.inf])])
    graph = QualityGraph(convolutional, exported.observer)
    assert graph.quality(scores).equal(exported.observer.quality(scores))


@pytest.mark.parametrize("preset", ["paper", "distinct", "ridge"])
@pytest.mark.parametrize("file", ["graph.onnx", "graph.pt2"])
def test_a_graph_with_preprocessing_takes_rgb_images(
    file: str, preset: str, convolutional: Backbone, made: Make
) -> None:
    exported = made(convolutional, file, preset)
    exported.export(with_preprocessing=True)
    scores = FroqQuality(exported.observer).score(convolutional, exported.images)
    outputs = exported.run(exported.images)
    torch.testing.assert_close(outputs["quality_score"], scores.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("file", ["graph.onnx", "graph.pt2"])
def test_quality_only_leaves_out_what_lies_behind_the_deepest_observed_layer(
    file: str, convolutional: Backbone, made: Make
) -> None:
    shallow = replace(convolutional, candidate_layers=("stem.1",))
    whole, part = made(shallow, f"whole-{file}"), made(shallow, file)
    whole.export()
    part.export(quality_only=True)
    inputs = shallow.inputs(part.images)
    outputs = part.run(inputs, "quality_score", "quality")
    assert outputs["quality_score"].equal(whole.run(inputs)["quality_score"])
    assert "head" not in content(part.path)
    assert "head" in content(whole.path)
    assert nodes(part.path) < nodes(whole.path)


def content(path: Any) -> str:
    """The names of the weights in a file."""
    if path.suffix == ".onnx":
        return " ".join(weights.name for weights in onnx.load(path).graph.initializer)
    return " ".join(torch.export.load(path).state_dict)


def nodes(path: Any) -> int:
    return len(onnx.load(path).graph.node if path.suffix == ".onnx" else torch.export.load(path).graph.nodes)


@pytest.mark.parametrize("file", ["graph.onnx", "graph.pt2"])
def test_a_network_in_half_precision_scores_nearly_alike(file: str, backbone: Backbone, made: Make) -> None:
    exported = made(backbone, file)
    agreement = exported.export(precision=16)
    assert 1e-5 < agreement.embedding < 2e-2
    assert agreement.score < 2e-2
    assert backbone.dtype == torch.float32
    outputs = exported.run(backbone.inputs(exported.images))
    assert [output.dtype for output in outputs.values()] == [torch.float32, torch.float32, torch.int64]


@pytest.mark.parametrize("file", ["graph.onnx", "graph.pt2"])
def test_a_file_says_what_it_was_made_of_and_what_it_takes(file: str, convolutional: Backbone, made: Make) -> None:
    exported = made(convolutional, file)
    exported.export()
    if exported.path.suffix == ".onnx":
        facts = {entry.key: entry.value for entry in onnx.load(exported.path).metadata_props}
    else:
        extra = {"froq.json": ""}
        torch.export.load(exported.path, extra_files=extra)
        facts = json.loads(extra["froq.json"])
    assert (facts["backbone"], json.loads(facts["backbone_options"])) == ("small", {"width": 8})
    assert facts["observer_sha256"] == exported.observer.sha256()
    weights = exported.identity.weights
    stated = [facts[f"weights_{key}"] for key in ("sha256", "source", "licence")]
    assert stated == [weights.sha256, weights.source, weights.licence]
    assert json.loads(facts["preprocessing"])["channel_order"] == "BGR"
    assert json.loads(facts["input"]) == {
        "name": "images",
        "type": "float32",
        "shape": ["N", 3, 32, 32],
        "channel_order": "BGR",
        "preprocessed": True,
    }
    assert json.loads(facts["layers"]) == [layer.name for layer in exported.observer.layers]
    assert json.loads(facts["quantiles"]) == list(exported.observer.quantiles)


def test_a_program_keeps_no_image_that_it_was_checked_on(convolutional: Backbone, made: Make) -> None:
    exported = made(convolutional, "graph.pt2")
    exported.export(with_preprocessing=True)
    example, _ = torch.export.load(exported.path).example_inputs
    assert not example[0].any()


@pytest.mark.parametrize("opset", [20, 23])
def test_a_model_has_the_opset_that_is_wanted(opset: int, convolutional: Backbone, made: Make) -> None:
    exported = made(convolutional)
    exported.export(opset=opset)
    assert [entry.version for entry in onnx.load(exported.path).opset_import if not entry.domain] == [opset]


class Clock(nn.Linear):
    """Adds the time of day, which tracing fixes."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + time.perf_counter()


def test_a_graph_that_disagrees_is_not_written(odd: MakeOdd, made: Make) -> None:
    exported = made(odd(Clock(6, 8)))
    with pytest.raises(BackboneError, match=r"disagrees with the network .*: its embedding by .* where 1e-05"):
        exported.export()
    assert list(exported.path.parent.iterdir()) == []


class FixedBatch(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.reshape(len(x), -1))


class LimitedBatch(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.shape[0] < 9 else super().forward(x.clone())


class ByValue(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(-x if x.mean() > 1e9 else x)


class InNumpy(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.from_numpy(x.numpy()))


class WithoutOperator(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.special.bessel_j0(x))


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (FixedBatch, "batches of any size: FixedBatch 'head' makes the number of images a constant"),
        (LimitedBatch, "batches of any size: LimitedBatch 'head' makes the number of images a constant or limits it"),
        (ByValue, "ByValue 'head' takes another course by the values"),
        (InNumpy, "InNumpy 'head' raises"),
        (WithoutOperator, r"ONNX has no operator for \w+.bessel_j0; the format torch may do"),
    ],
)
def test_a_network_that_cannot_be_exported_is_refused_by_the_part_that_prevents_it(
    head: type[nn.Linear], reason: str, odd: MakeOdd, made: Make
) -> None:
    exported = made(odd(head(6, 8)))
    with pytest.raises(BackboneError, match=f"the network cannot be exported.*{reason}"):
        exported.export()
    assert not exported.path.exists()


class Skipping(nn.Sequential):
    """Passes over its layers while it is traced."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, 2:, 2:] if torch.compiler.is_exporting() else super().forward(x)


def test_an_observed_layer_that_does_not_fire_in_the_graph_is_named(odd: MakeOdd, made: Make) -> None:
    backbone = odd(nn.Linear(3, 8))
    backbone.network.body = Skipping(nn.Conv2d(3, 3, 3), nn.ReLU())
    exported = made(replace(backbone, candidate_layers=("body.0",)))
    with pytest.raises(BackboneError, match=r"observed layer 'body\.0' does not fire while the network is traced"):
        exported.export()


@pytest.mark.parametrize("file", ["graph.onnx", "graph.pt2"])
def test_only_earlier_graphs_are_replaced(file: str, convolutional: Backbone, made: Make) -> None:
    exported = made(convolutional, file)
    exported.export()
    exported.export(quality_only=True)
    if exported.path.suffix == ".onnx":
        model = onnx.load(exported.path)
        model.producer_name = "somebody"
        onnx.save(model, exported.path)
    else:
        with zipfile.ZipFile(exported.path, "w") as archive:
            archive.writestr("data", "of somebody")
    before = exported.path.read_bytes()
    with pytest.raises(ConfigurationError, match="holds something that this command did not write"):
        exported.export()
    assert exported.path.read_bytes() == before
