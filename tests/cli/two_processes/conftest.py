"""Runs of `froq` on two processes, with a network and images that are made here, so that they run anywhere."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn.functional import interpolate

from froq_lightning.cli import main

FROQ = ("-m", "froq_lightning")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
LAUNCHES = {
    "ddp": (FROQ, "--trainer.strategy=ddp"),
    "ddp_spawn": (FROQ, "--trainer.strategy=ddp_spawn"),
    "torchrun": ((*TORCHRUN, *FROQ), "--trainer.strategy=auto"),
}
SUBJECTS, EACH = 8, 5


@pytest.fixture(scope="session")
def network(quiet: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Options that choose a small network with weights from a file, and keep the run quiet."""
    weights = tmp_path_factory.mktemp("network") / "weights.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_file(timm.create_model("test_byobnet", num_classes=512).state_dict(), weights)
    options = f"{{architecture: test_byobnet, weights: {weights}}}"
    return ("--model.backbone=timm", f"--model.backbone_options={options}", *quiet)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """40 crops of 112 pixels: of each of 8 subjects 5, with more and more noise."""
    folder = tmp_path_factory.mktemp("images")
    generator = torch.Generator().manual_seed(0)
    paths = []
    for subject in range(SUBJECTS):
        smooth = interpolate(torch.rand(1, 3, 7, 7, generator=generator), size=112, mode="bilinear")[0]
        for image in range(EACH):
            noise = torch.randn(3, 112, 112, generator=generator) * 0.04 * (image + subject / SUBJECTS)
            crop = (smooth + noise).clamp(0, 1).mul(255).byte().permute(1, 2, 0)
            paths.append(folder / f"{subject}_{image}.png")
            Image.fromarray(crop.numpy()).save(paths[-1])
    return paths


@pytest.fixture(scope="session")
def labels() -> list[float]:
    """Pseudo-quality of the images: the less noise the higher."""
    return [1 - (place % EACH + place // EACH / SUBJECTS) / EACH for place in range(SUBJECTS * EACH)]


@pytest.fixture(scope="session")
def manifest(images: list[Path], labels: list[float], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images with their labels."""
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    lines = [f"{image},{label}" for image, label in zip(images, labels, strict=True)]
    path.write_text("\n".join(["path,pseudo_quality", *lines]))
    return path


@pytest.fixture(scope="session")
def observer(calibrate: Callable[..., Path], network: tuple[str, ...], manifest: Path) -> Path:
    """An Observer of the network, made by one process."""
    return calibrate(network, manifest)


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`start("ddp", "predict", *options)`: runs a verb on two processes, launched so."""

    def run(launch: str, verb: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command, strategy = LAUNCHES[launch]
        return subprocess.run(
            [sys.executable, *command, verb, "--trainer.devices=2", strategy, "--data.batch_size=2", *options],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"OMP_NUM_THREADS": "1", **variables},
            timeout=300,
        )

    return run


@pytest.fixture(scope="session")
def interleave() -> Callable[..., list[Path]]:
    """Links images into a folder, in the order of their new names; files at the given places are no images."""

    def link(folder: Path, broken: Sequence[int], images: Sequence[Path]) -> list[Path]:
        folder.mkdir()
        waiting = iter(images)
        paths = [folder / f"{place:02}.png" for place in range(len(images) + len(broken))]
        for place, path in enumerate(paths):
            path.write_text("no image") if place in broken else path.symlink_to(next(waiting))
        return paths

    return link


@pytest.fixture
def run(
    start: Callable[..., subprocess.CompletedProcess[str]], network: tuple[str, ...], tmp_path: Path
) -> Callable[..., tuple[Path, Path]]:
    """Runs a verb on two processes and on one; returns what they wrote."""

    def compare(launch: str, verb: str, output: str, *options: str) -> tuple[Path, Path]:
        two, one = (tmp_path / folder / output for folder in ("two", "one"))
        completed = start(launch, verb, *network, *options, f"--output={two}")
        assert completed.returncode == 0, completed.stderr
        assert main([verb, *network, *options, f"--output={one}"]) == 0
        return two, one

    return compare
