"""Which metrics there are, and where their weights come from."""

import logging
import os
import pickle
import sys
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from froq_pyiqa.quality import PyiqaQuality
from scipy.io import savemat
from torch import Tensor, nn
from torch.nn.functional import conv2d, relu

from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_method
from froq_lightning.errors import (
    BackboneError,
    ConfigurationError,
    DownloadError,
    ExtensionError,
    UnknownNameError,
    WeightsError,
)
from froq_lightning.methods.registry import create_method, create_methods

CNNIQA, NIQE = "CNNIQA_koniq10k-e6f14c91.pth", "niqe_modelparameters.mat"


def cnniqa() -> dict[str, Tensor]:
    """Weights of a network that is small enough to be written down."""
    shapes = {"conv1": (50, 3, 7, 7), "fc1": (800, 100), "fc2": (800, 800), "fc3": (1, 800)}
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in shapes.items():
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) / np.prod(shape[1:]) ** 0.5
        state[f"{name}.bias"] = torch.randn(shape[0], generator=generator)
    return state


def test_weights_that_were_brought_are_used(weights: Path, faces: Tensor, backbone: Backbone) -> None:
    state = cnniqa()
    torch.save({"params": state}, weights / CNNIQA)
    filtered = conv2d(faces / 255, state["conv1.weight"], state["conv1.bias"]).flatten(2)
    hidden = torch.cat([filtered.amax(dim=2), filtered.amin(dim=2)], dim=1)
    for layer in ("fc1", "fc2"):
        hidden = relu(hidden @ state[f"{layer}.weight"].T + state[f"{layer}.bias"])
    expected = (hidden @ state["fc3.weight"].T + state["fc3.bias"])[:, 0].tolist()
    method = create_method({"method": "pyiqa", "metric": "cnniqa"})
    assert method.parameters() == {"metric": "cnniqa", "pyiqa": metadata.version("pyiqa")}
    assert method.score(backbone, faces).tolist() == pytest.approx(expected, rel=1e-4)  # type: ignore[attr-defined]
    check_method(method, backbone, faces)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (
            "niqe",
            r"the metric niqe needs weights: https://huggingface\.co/chaofengc/IQA-PyTorch-Weights/resolve/main/"
            rf"{NIQE} is not here, .* put it at .*/pyiqa/{NIQE}",
        ),
        ("unique", r"needs weights: https://download\.pytorch\.org/models/resnet34-\w+\.pth .* put it at .*resnet34"),
        (
            "nima",
            r"run `hf download timm/inception_resnet_v2\.tf_in1k model\.safetensors`, and bring the cache of the hub",
        ),
        ("qrealign", r"needs weights: .*Q-ReAlign-Mini.* and bring the cache of the hub here, to .*/hub"),
    ],
)
def test_a_missing_file_is_named_with_its_address_and_its_place(metric: str, message: str, weights: Path) -> None:
    assert not list(weights.iterdir())
    with pytest.raises(DownloadError, match=message):
        PyiqaQuality(metric)


def test_a_failing_download_is_named_too(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    # Nobody listens there.
    monkeypatch.setattr("pyiqa.archs.niqe_arch.default_model_urls", {"url": f"http://127.0.0.1:9/{NIQE}"})
    with pytest.raises(DownloadError, match=rf":9/{NIQE} could not be fetched: URLError: .*put it at {weights}/{NIQE}"):
        PyiqaQuality("niqe")


class Payload:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("it_ran",)


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"params": Payload()}))


def in_an_archive(path: Path) -> None:
    torch.save({"params": Payload()}, path)


@pytest.mark.parametrize("write", [pickled, in_an_archive])
def test_a_checkpoint_that_would_run_code_is_refused(write: Callable[[Path], None], weights: Path) -> None:
    write(weights / CNNIQA)
    before = dict(os.environ)
    with pytest.raises(WeightsError, match="the weights of pyiqa's metric cnniqa are damaged, or would run code"):
        PyiqaQuality("cnniqa")
    assert not Path("it_ran").exists()
    assert dict(os.environ) == before


@pytest.mark.usefixtures("weights")
def test_a_program_of_torchscript_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyiqa.archs.entropy_arch import Entropy  # noqa: PLC0415 - where pyiqa is installed

    with warnings.catch_warnings(action="ignore", category=FutureWarning):
        torch.jit.script(nn.Linear(2, 2)).save("program.pt")
    monkeypatch.setattr(Entropy, "__init__", lambda _: torch.jit.load("program.pt"))
    with pytest.raises(WeightsError, match="they are a TorchScript program"):
        PyiqaQuality("entropy")


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("lpips", "but lpips compares an image with a reference; choose another metric"),
        ("topiq_fr", "but topiq_fr compares an image with a reference"),
        ("fid", "but fid compares sets of images"),
        ("inception_score", "compares sets of images"),
        ("clipscore", "compares an image with a caption"),
        ("qalign_8bit", "runs code that it fetches from its hub"),
        ("compare2score", "runs code"),
        ("arniqa-kadid", "reads weights that are a TorchScript program"),
        ("clipiqa+", "TorchScript program"),
    ],
)
def test_metrics_that_cannot_be_used_are_refused_with_the_reason(metric: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message.replace("+", r"\+")):
        PyiqaQuality(metric)


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize(("metric", "message"), [("nique", "nearest: unique, niqe"), ("Musiq", "nearest: musiq")])
def test_an_unknown_metric_gets_the_nearest_names(metric: str, message: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown metric of pyiqa '{metric}'; {message}"):
        PyiqaQuality(metric)


def save_niqe(folder: Path) -> None:
    savemat(folder / NIQE, {"mu_prisparam": np.zeros((1, 36)), "cov_prisparam": np.eye(36)})


def test_a_size_that_a_metric_cannot_score_is_refused(weights: Path, small_backbone: Backbone) -> None:
    save_niqe(weights)
    images = torch.randint(0, 256, (2, 3, 80, 80), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with pytest.raises(BackboneError, match=r"metric niqe cannot score images of 80 x 80 pixels: .*; choose another"):
        PyiqaQuality("niqe").score(small_backbone, images)


def test_an_image_that_a_metric_fails_on_has_no_score(weights: Path, faces: Tensor, backbone: Backbone) -> None:
    save_niqe(weights)
    scores = PyiqaQuality("niqe").score(backbone, torch.cat([torch.zeros_like(faces[:1]), faces[:2]]))
    assert scores.isnan().tolist() == [True, False, False]


class Patches(nn.Module):
    """As some metrics do, looks at a patch that numpy draws, and adds noise that torch draws."""

    def forward(self, images: Tensor) -> Tensor:
        at = np.random.randint(0, 60)  # noqa: NPY002
        return images[..., at : at + 50, :].std() + torch.rand(1)


@pytest.mark.usefixtures("weights")
def test_metrics_that_draw_at_random_always_draw_the_same(
    faces: Tensor, backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyiqa.archs.entropy_arch import Entropy  # noqa: PLC0415 - where pyiqa is installed

    monkeypatch.setattr(Entropy, "forward", Patches.forward)
    state = np.random.get_state()[1].copy()  # type: ignore[index, union-attr] # noqa: NPY002
    check_method(PyiqaQuality("entropy"), backbone, faces)
    assert np.array_equal(np.random.get_state()[1], state)  # type: ignore[index] # noqa: NPY002


def test_without_pyiqa_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(
        ExtensionError, match="needs the package pyiqa, which is not installed; run `pip install pyiqa`"
    ):
        create_method("pyiqa")
    with caplog.at_level(logging.WARNING):
        methods = create_methods("all", lambda _: None)  # type: ignore[arg-type, return-value]
    assert "random" in methods
    assert "pyiqa" not in methods
    assert "`all` leaves a method out: the method pyiqa needs the package pyiqa" in caplog.text
