"""What the networks show of every image, computed once and kept in a folder."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from pictures import image_sets, names_of
from torch import Tensor

from froq_lightning.backbones.memory_format import set_memory_format
from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.methods.pseudo_mated_similarity import PseudoMatedSimilarity
from froq_lightning.methods.registry import create_method
from froq_lightning.observation.norms import LayerNorms

BATCH = 32
Arrays = dict[str, npt.NDArray[np.generic]]
# Subjects are split at random: to calibrate on, to choose by, to report on.
PARTS = {"calibrate": 198, "choose": 148, "report": 149}
# Methods of many passes are compared on so many subjects of the reporting part.
METHOD_SUBJECTS = 50
METHODS: tuple[dict[str, object], ...] = (
    {"method": "perturbation", "noise": 0},
    {"method": "flip"},
    {"method": "prefiqs"},
    {"method": "prefiqs", "share": 0.2},
    {"method": "embedding_norm"},
    {"method": "ser_fiq", "rate": 0.5},
    {"method": "grafiqs"},
    {"method": "face_qan"},
)


@dataclass(frozen=True)
class Faces:
    """The faces of `image_sets` by position: their subject, and its part."""

    names: list[str]
    subjects: npt.NDArray[np.int64]
    part: npt.NDArray[np.str_]

    @classmethod
    def of(cls, shared: Path) -> "Faces":
        """Split the subjects."""
        names = names_of(shared)
        subjects = np.unique([name.split("/")[0] for name in names], return_inverse=True)[1]
        order = np.random.default_rng(2026).permutation(subjects.max() + 1)
        part = np.empty(len(order), dtype="<U9")
        part[order] = np.repeat(list(PARTS), list(PARTS.values()))
        return cls(names, subjects, part[subjects])


def options(shared: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Backbones with real weights, and their options, by the name of the network."""
    weights = shared / "data" / "weights"
    edgeface = {"architecture": "edgenext_xx_small", "weights": str(weights / "edgeface_xxs.safetensors")}
    return {
        "edgeface_xxs": ("timm", edgeface),
        "mobilefacenet": ("mobilefacenet", {"weights": str(weights / "mobilefacenet_casia.ckpt")}),
        "dlib_resnet29": ("dlib_resnet29", {}),
    }


def make_tables(shared: Path, folder: Path, network: str) -> None:
    """Compute the tables of a network that are not in the folder yet."""
    name, given = options(shared)[network]
    backbone = create_backbone(name, **given)
    set_memory_format(backbone, torch.device("cpu"))
    folder.mkdir(parents=True, exist_ok=True)
    sets, faces = image_sets(shared, backbone), Faces.of(shared)
    for part, images in sets.items():
        altered = part in {"clean", "calibration"}
        _kept(folder / f"{network}.{part}.npz", partial(observed, backbone, images, altered=altered))
    # Labels of 66 passes: of every second photograph that is not reported on, and of copies of the others.
    even, free = np.arange(len(faces.names)) % 2 == 0, faces.part != "report"
    every = np.ones(len(sets["calibration"]), dtype=bool)
    for part, which in {"calibration": every, "clean": free & even, "copies": free & ~even}.items():
        _kept(folder / f"{network}.{part}.published.npz", partial(_published, backbone, sets[part], which))
    reported = np.unique(faces.subjects[faces.part == "report"])[:METHOD_SUBJECTS]
    for spec in METHODS:
        label = " ".join(str(value) for value in spec.values())
        for part in ("clean", "degraded"):
            which = np.isin(faces.subjects, reported)
            _kept(folder / f"{network}.{part}.{label}.npz", partial(_scored, backbone, sets[part], which, spec))


def _kept(path: Path, compute: Callable[[], Arrays]) -> None:
    if not path.exists():
        arrays = compute()
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        print(path.name, flush=True)


def observed(backbone: Backbone, images: Tensor, *, altered: bool) -> Arrays:
    """Compute norms, embeddings, and the mean embeddings of altered versions if these are wanted."""
    norms, embeddings, versions, order = [], [], [], list[int]()
    with torch.no_grad(), LayerNorms(backbone.network, backbone.candidate_layers) as taps:
        for part in images.split(BATCH):
            seen = taps.observe(backbone.inputs(part))
            norms.append(seen.norms)
            embeddings.append(backbone.embed(seen.output))
            order = list(seen.order)
    for part, embedded in zip(images.split(BATCH), embeddings, strict=True):
        wanted = torch.full((len(part),), altered)
        kept = PseudoMatedSimilarity().keep(backbone, part, embedded, wanted)
        versions.append(kept.chunk(2, dim=1)[1])
    return {
        "norms": torch.cat(norms).numpy(),
        "order": np.array(order),
        "embeddings": torch.cat(embeddings).numpy(),
        "versions": torch.cat(versions).numpy(),
    }


def _published(backbone: Backbone, images: Tensor, which: npt.NDArray[np.bool_]) -> Arrays:
    """Published labels, without the noise, which does not change their ranking; NaN where they are not wanted."""
    method = PerturbationQuality(noise=0, micro_batch=8)
    labels = np.full(len(images), np.nan, dtype=np.float32)
    wanted = images[torch.from_numpy(which)]
    labels[which] = torch.cat([method.score(backbone, part) for part in wanted.split(8)]).numpy()
    return {"labels": labels}


def _scored(backbone: Backbone, images: Tensor, which: npt.NDArray[np.bool_], spec: dict[str, object]) -> Arrays:
    """Score images by a method; NaN where that is not wanted, and for all if it cannot work on the network."""
    scores = np.full(len(images), np.nan)
    wanted = images[torch.from_numpy(which)]
    try:
        method = create_method(spec)
        scores[which] = torch.cat([method.score(backbone, part) for part in wanted.split(8)]).double().numpy()
    except BackboneError as error:
        print(f"{spec}: {error}", flush=True)
    return {"scores": scores}
