"""timm networks with weights of their own: a hub id, or a folder in the layout of the hub."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download

from froq_lightning.backbones.weights.files import HUB_FILES
from froq_lightning.bounded_io import read_json
from froq_lightning.errors import DataNotFoundError, WeightsError

HUB, FOLDER = ("hf_hub:", "hf-hub:"), "local-dir:"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
# Patterns of weights in a repository, perhaps in shards; the second is fetched only where the first is missing.
PATTERNS = ("model*.safetensors*", "pytorch_model*.bin*")

# Face models on the hub (github.com/gau-nernst/timm-face). Their config.json has the preprocessing of ImageNet or none,
# but all were trained on RGB crops of 112 pixels on the ArcFace template, (x - 127.5) / 127.5.
FACE_MODELS = (
    "vit_tiny_patch8_112.arcface_ms1mv3",
    "vit_tiny_patch8_112.cosface_ms1mv3",
    "vit_tiny_patch8_112.adaface_ms1mv3",
    "vit_small_patch8_gap_112.cosface_ms1mv3",
    "convnext_atto.cosface_ms1mv3",
    "convnext_nano.cosface_ms1mv3",
)
# Arguments of `timm.create_model` that a config.json may not set: they would load other files.
REFUSED = ("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir", "scriptable")


@dataclass(frozen=True)
class HubModel:
    """A timm network as its config.json describes it; the defaults are those of face networks.

    Args:
        architecture: name in timm.
        options: for `timm.create_model`.
        weights: file of the weights, if it has any.
        size: of the crop, (height, width) in pixels.
        mean: of the red, green and blue channel, on the 0..1 scale.
        std: of the red, green and blue channel, on the 0..1 scale.
    """

    architecture: str
    options: dict[str, Any] = field(default_factory=dict)
    weights: str | None = None
    size: tuple[int, int] = (112, 112)
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


def is_from_hub(architecture: str) -> bool:
    """Whether an architecture is a hub id, or a folder in the layout of the hub."""
    return architecture.startswith((*HUB, FOLDER))


def hub_model(architecture: str, weights: str | None = None) -> HubModel:
    """Find the files of "hf_hub:owner/name[@revision]" or "local-dir:folder", and read the configuration.

    Args:
        architecture: the hub id or folder.
        weights: file to use instead of that on the hub, and so is a config.json beside it.

    Raises:
        DataNotFoundError: if the folder lacks a file.
        WeightsError: if the hub cannot be reached, or the configuration is damaged.
    """
    name = architecture.partition(":")[2]
    if architecture.startswith(FOLDER):
        folder = Path(name)
    elif weights is not None and (Path(weights) / CONFIG).is_file():
        folder = Path(weights)
    elif weights is not None and (Path(weights).parent / CONFIG).is_file():
        folder = Path(weights).parent
    else:
        folder = _download(name, with_weights=weights is None)
    file = next((name for name in HUB_FILES if (folder / name).is_file()), WEIGHTS)
    return _read(folder, Path(name).name.partition("@")[0], weights or str(folder / file))


def _download(name: str, *, with_weights: bool) -> Path:
    repository, _, revision = name.partition("@")
    try:
        for pattern in PATTERNS:
            wanted = [CONFIG, pattern] if with_weights else [CONFIG]
            folder = Path(snapshot_download(repository, revision=revision or None, allow_patterns=wanted))
            if not with_weights or any(folder.glob(pattern)):
                break
    except Exception as error:  # of the network, the hub, the file system
        folder_name = repository.rpartition("/")[2]
        raise WeightsError(
            f"hf_hub:{name} could not be fetched ({type(error).__name__}); where the hub can be reached, run "
            f"`hf download {repository} {CONFIG} {WEIGHTS} --local-dir {folder_name}`, bring the folder here, and give "
            f"{FOLDER}{folder_name} as the architecture"
        ) from error
    return folder


def _read(folder: Path, name: str, weights: str) -> HubModel:
    for file in (folder / CONFIG, Path(weights)):
        if not file.exists():
            raise DataNotFoundError(f"{str(file)!r} does not exist; a timm model of the hub is {CONFIG} and {WEIGHTS}")
    try:
        stated = read_json(folder / CONFIG)
        pretrained = {**stated, **stated.get("pretrained_cfg", {})}
        options = {key: value for key, value in stated.get("model_args", {}).items() if key not in REFUSED}
        if "num_classes" in pretrained:
            options["num_classes"] = stated.get("num_classes", pretrained["num_classes"])
        preprocessing = {} if name in FACE_MODELS else _preprocessing(pretrained)
        return HubModel(str(stated["architecture"]), options, weights, **preprocessing)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{folder / CONFIG} is damaged, or no configuration of timm: {error}") from error


def _preprocessing(config: dict[str, Any]) -> dict[str, Any]:
    size, mean, std = (config.get(key) for key in ("input_size", "mean", "std"))
    preprocessing = {
        "size": size and tuple(map(int, size[1:])),
        "mean": mean and tuple(map(float, mean)),
        "std": std and tuple(map(float, std)),
    }
    return {key: value for key, value in preprocessing.items() if value}
