"""What the tests share: the real faces and weights beside the checkout, and a network small enough to run anywhere."""

import json
import pickle
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hub_server import hub  # noqa: F401 - a fixture
from PIL import Image
from tar_files import tar_folder  # noqa: F401 - a fixture
from torch import Tensor, nn

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.observer import CalibrationSet, Observer
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.selection import select_layers
from froq_lightning.extensions import BACKBONES
from froq_lightning.observation.norms import LayerNorms, Observation


class SmallNet(nn.Module):
    """A face network of a few thousand parameters for crops of 32 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.body = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.PReLU(16))
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.head = nn.Linear(64, 12)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.pool(self.body(self.stem(inputs))).flatten(1))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a folder of its own, so that a default output never lands in the checkout."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Runs are small: threads would wait for each other longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` with real faces, weights and reference numbers."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "shared" / "data").is_dir():
            return folder / "shared"
    pytest.skip("needs real faces and weights: no folder shared/data beside the checkout")


@pytest.fixture(scope="session")
def edgeface(shared: Path) -> Backbone:
    """EdgeFace-XXS with its real weights, through the built-in timm plugin."""
    weights = shared / "data" / "weights" / "edgeface_xxs.safetensors"
    return create_backbone("timm", architecture="edgenext_xx_small", weights=str(weights))


@pytest.fixture(scope="session")
def mobilefacenet(shared: Path) -> Backbone:
    """MobileFaceNet with its real weights, through its plugin."""
    pytest.importorskip("froq_mobilefacenet", reason="needs the plugin froq-mobilefacenet")
    return create_backbone("mobilefacenet", weights=str(shared / "data" / "weights" / "mobilefacenet_casia.ckpt"))


@pytest.fixture(scope="session")
def golden(shared: Path) -> dict[str, dict[str, Any]]:
    """Reference numbers of the published code by the name of the network."""
    names = ("mobilefacenet", "edgeface_xxs")
    return {name: json.loads((shared / "golden" / f"{name}.json").read_text(encoding="utf-8")) for name in names}


@pytest.fixture(scope="session")
def calibration_folder(shared: Path) -> Path:
    """360 aligned crops, every second one degraded."""
    return shared / "data" / "calibration"


@pytest.fixture(scope="session")
def calibration_images(calibration_folder: Path, golden: dict[str, dict[str, Any]]) -> Tensor:
    """The 40 crops of the reference numbers in their order, [40, 3, 112, 112] uint8 RGB."""
    crops = [np.array(Image.open(calibration_folder / name)) for name in golden["mobilefacenet"]["labels"]]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).contiguous()


@pytest.fixture(scope="session")
def edgeface_observation(edgeface: Backbone, calibration_images: Tensor) -> Observation:
    """What EdgeFace-XXS shows of the 40 crops."""
    with LayerNorms(edgeface.network, edgeface.candidate_layers) as norms:
        return norms.observe(edgeface.preprocessing(calibration_images))


@pytest.fixture(scope="session")
def mobilefacenet_observation(mobilefacenet: Backbone, calibration_images: Tensor) -> Observation:
    """What MobileFaceNet shows of the 40 crops."""
    with LayerNorms(mobilefacenet.network, mobilefacenet.candidate_layers) as norms:
        return norms.observe(mobilefacenet.preprocessing(calibration_images))


@pytest.fixture
def small_backbone() -> Backbone:
    """A small random network, the same on every machine, for crops of 32 pixels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        network = SmallNet()
    return Backbone.with_weights(network, Preprocessing(size=(32, 32)), None)


@pytest.fixture
def small_images() -> Tensor:
    """[14, 3, 32, 32] uint8 crops with structure and noise, for `small_backbone`."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(14, 3, 4, 4, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=32, mode="bilinear")
    noise = torch.rand(14, 3, 32, 32, generator=generator) * torch.linspace(0, 0.6, 14).view(-1, 1, 1, 1)
    return (smooth * 0.7 + noise * 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)


@pytest.fixture
def small_norms(small_backbone: Backbone, small_images: Tensor) -> Tensor:
    """The layer norms of the small crops, [14, L]."""
    with LayerNorms(small_backbone.network, small_backbone.candidate_layers) as norms:
        return norms.observe(small_backbone.inputs(small_images)).norms


@pytest.fixture(params=["distinct", "paper", "ridge"])
def observer(request: pytest.FixtureRequest, small_norms: Tensor, small_backbone: Backbone) -> Observer:
    """An Observer of the small network by each rule; the later a crop, the worse."""
    labels = torch.linspace(0.9, 0.4, 14)
    selection = select_layers(small_norms, labels, small_backbone.candidate_layers, create_rule(request.param))
    options = {"architecture": "small", "layers": ("*",), "weights": "somewhere.pt"}
    identity = BackboneIdentity.of(small_backbone, "small", options, "froq-small", "1.2")
    images = CalibrationSet(14, 1, {"flip": True, "noise": 3})
    return Observer.from_selection(selection, identity, request.param, images)


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., Path]:
    """Write a distribution's metadata into a folder, as an installer would leave it."""

    def write(
        distribution: str, entries: str | bytes, folder: str = "site", group: str = BACKBONES, fields: str = ""
    ) -> Path:
        info = tmp_path / folder / f"{distribution}-1.5.dist-info"
        info.mkdir(parents=True)
        head = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n{fields}"
        (info / "METADATA").write_text(head, encoding="utf-8")
        content = entries if isinstance(entries, bytes) else f"[{group}]\n{entries}\n".encode()
        (info / "entry_points.txt").write_bytes(content)
        return tmp_path / folder

    return write


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python imports from, for the modules of plugins."""
    folder = tmp_path / "site"
    folder.mkdir(exist_ok=True)
    monkeypatch.syspath_prepend(str(folder))
    return folder


@dataclass(frozen=True)
class Crop:
    """A real crop: its file, its subject, and its pixels."""

    path: Path
    subject: str
    pixels: np.ndarray

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()


@pytest.fixture(scope="session")
def crops(shared: Path) -> list[Crop]:
    """Twelve crops of four subjects, three of each."""
    folders = (folder for folder in sorted((shared / "data" / "faces").iterdir()) if len(list(folder.iterdir())) >= 3)
    paths = [path for folder, _ in zip(folders, range(4), strict=False) for path in sorted(folder.iterdir())[:3]]
    return [Crop(path, path.parent.name, np.array(Image.open(path))) for path in paths]


@pytest.fixture(scope="session")
def paired(crops: list[Crop]) -> tuple[list[Crop], list[bool]]:
    """Trials of the crops as archives hold them: two by two, and whether each two are mated."""
    trials = [(0, 1), (1, 2), (0, 3), (4, 5), (3, 6), (9, 10), (7, 8), (2, 11)]
    members = [crops[place] for trial in trials for place in trial]
    return members, [crops[a].subject == crops[b].subject for a, b in trials]


@pytest.fixture(scope="session")
def bin_file(paired: tuple[list[Crop], list[bool]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trials as an insightface .bin file."""
    path = tmp_path_factory.mktemp("bin") / "lfw.bin"
    path.write_bytes(pickle.dumps(([crop.content for crop in paired[0]], paired[1]), protocol=4))
    return path


@pytest.fixture(scope="session")
def memfile(paired: tuple[list[Crop], list[bool]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trials as AdaFace's folder `lfw`, beside `lfw_list.npy`."""
    folder = tmp_path_factory.mktemp("adaface") / "lfw"
    (folder / "memfile").mkdir(parents=True)
    images = np.stack([crop.pixels[..., ::-1].transpose(2, 0, 1) for crop in paired[0]])
    values = ((images / 255 - 0.5) / 0.5).astype(np.float32)
    (folder / "memfile" / "mem_file.dat").write_bytes(values.tobytes())
    (folder / "memfile" / "mem_file.dat.conf").write_text(json.dumps({"shape": values.shape, "dtype": "float32"}))
    np.save(folder.with_name("lfw_list.npy"), np.array(paired[1]))
    return folder


@pytest.fixture(scope="session")
def rec_file(crops: list[Crop], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crops as insightface's train.rec and train.idx: images from 1 on, ranges in record 0 and one per subject."""
    subjects, end = sorted({crop.subject for crop in crops}), len(crops) + 1
    records = [(n, (subjects.index(crop.subject), 1), crop.content) for n, crop in enumerate(crops, start=1)]
    records.append((0, (end, end + len(subjects)), b""))
    records += [(end + n, (1 + 3 * n, 4 + 3 * n), b"") for n in range(len(subjects))]
    content, index = b"", ""
    for number, labels, image in records:
        index += f"{number}\t{len(content)}\n"
        record = struct.pack("<IfQQ2f", 2, 0.0, number, 0, *labels) + image
        content += struct.pack("<II", 0xCED7230A, len(record)) + record + b"\0" * (-len(record) % 4)
    path = tmp_path_factory.mktemp("rec") / "train.rec"
    path.write_bytes(content)
    path.with_suffix(".idx").write_text(index)
    return path
