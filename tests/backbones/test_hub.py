"""timm networks in the layout of the hub: in a folder, in the hub's cache, and with the hub out of reach."""

import json
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from froq_lightning.backbones.hub import FACE_MODELS
from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.cli import main
from froq_lightning.errors import DataNotFoundError, WeightsError

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
OPTIONS: dict[str, Any] = {"patch_size": 8, "img_size": 112, "embed_dim": 64, "depth": 2, "num_heads": 2}


def save(folder: Path, **changes: Any) -> Path:
    """Write a small ViT as `timm` publishes its networks."""
    torch.manual_seed(0)
    network = timm.create_model("vit_tiny_patch16_224", num_classes=32, **OPTIONS)
    stated = {"architecture": "vit_tiny_patch16_224", "num_classes": 32, "model_args": OPTIONS}
    stated["pretrained_cfg"] = {"input_size": [3, 112, 112], **IMAGENET}
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(stated | changes))
    save_file(network.state_dict(), folder / "model.safetensors")
    return folder


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The hub's library told to stay offline, with an empty cache; it reads the environment once, on import."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def expect_the_saved_network(backbone: Backbone) -> None:
    torch.manual_seed(0)
    published = timm.create_model("vit_tiny_patch16_224", num_classes=32, **OPTIONS).eval()
    inputs = torch.rand(2, 3, 112, 112)
    with torch.no_grad():
        assert torch.equal(backbone.embed(backbone.network(inputs)), published(inputs))


@pytest.mark.parametrize("name", FACE_MODELS)
def test_the_face_models_are_fed_as_they_were_trained_whatever_their_configuration_says(
    name: str, tmp_path: Path
) -> None:
    backbone = create_backbone("timm", architecture=f"local-dir:{save(tmp_path / name)}")
    expect_the_saved_network(backbone)
    fed = backbone.preprocessing
    assert (fed.size, fed.channel_order, fed.mean, fed.std) == ((112, 112), "RGB", (0.5,) * 3, (0.5,) * 3)
    assert len(backbone.weights.sha256) == 64


def test_another_network_is_fed_as_its_configuration_or_else_an_option_says(tmp_path: Path) -> None:
    architecture = f"local-dir:{save(tmp_path / 'other')}"
    fed = create_backbone("timm", architecture=architecture, mean=0.4).preprocessing
    assert (fed.mean, fed.std) == ((0.4,) * 3, tuple(IMAGENET["std"]))


@pytest.mark.parametrize("scheme", ["hf_hub:", "hf-hub:"])
@pytest.mark.parametrize("revision", ["", "@main"])
def test_a_hub_id_is_taken_from_the_cache(scheme: str, revision: str, offline: Path) -> None:
    repository = offline / "models--gaunernst--vit_tiny_patch8_112.arcface_ms1mv3"
    save(repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    name = f"{scheme}gaunernst/vit_tiny_patch8_112.arcface_ms1mv3{revision}"
    backbone = create_backbone("timm", architecture=name)
    expect_the_saved_network(backbone)
    assert backbone.preprocessing.mean == (0.5,) * 3


def test_local_weights_bring_the_configuration_that_lies_beside_them(offline: Path, tmp_path: Path) -> None:
    folder = save(tmp_path / "anywhere")
    name = "hf_hub:gaunernst/convnext_atto.cosface_ms1mv3"
    backbone = create_backbone("timm", architecture=name, weights=str(folder / "model.safetensors"))
    expect_the_saved_network(backbone)
    assert not offline.exists()


@pytest.mark.usefixtures("offline")
def test_with_the_hub_out_of_reach_one_line_says_what_to_download_and_where_to_put_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "gaunernst/vit_tiny_patch8_112.arcface_ms1mv3"
    arguments = ["--model.backbone", "timm", "--model.backbone_options.architecture", f"hf_hub:{name}"]
    assert main(["predict", *arguments, "--data.source", "faces"]) == 2
    told = capsys.readouterr().err.strip()
    assert "\n" not in told
    assert f"hf download {name} config.json model.safetensors --local-dir vit_tiny" in told
    assert "give local-dir:vit_tiny_patch8_112.arcface_ms1mv3 as the architecture" in told


@pytest.mark.parametrize("kind", ["pytorch_model.bin", "shards"])
@pytest.mark.parametrize("where", ["folder", "cache"])
def test_other_layouts_of_the_hub_are_read(kind: str, where: str, offline: Path, tmp_path: Path) -> None:
    repository = offline / "models--owner--face"
    folder = save(repository / "snapshots" / ("0" * 40) if where == "cache" else tmp_path / "face")
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    if kind == "shards":
        shards = {
            "model-00001-of-00002.safetensors": list(state)[::2],
            "model-00002-of-00002.safetensors": list(state)[1::2],
        }
        for shard, keys in shards.items():
            save_file({key: state[key] for key in keys}, folder / shard)
        weight_map = {key: shard for shard, keys in shards.items() for key in keys}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    else:
        torch.save(state, folder / kind)
    if where == "cache":
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text("0" * 40)
    fed_as = "hf_hub:owner/face" if where == "cache" else f"local-dir:{folder}"
    expect_the_saved_network(create_backbone("timm", architecture=fed_as))


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file_is_refused(file: str, tmp_path: Path) -> None:
    folder = save(tmp_path / "other")
    (folder / file).unlink()
    with pytest.raises(DataNotFoundError, match=file):
        create_backbone("timm", architecture=f"local-dir:{folder}")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"architecture": 1, "pretrained_cfg": {"mean": ["a"]}}', "\x00"])
def test_a_damaged_configuration_is_refused(text: str, tmp_path: Path) -> None:
    folder = save(tmp_path / "other")
    (folder / "config.json").write_text(text)
    with pytest.raises(WeightsError, match="is damaged, or no configuration of timm"):
        create_backbone("timm", architecture=f"local-dir:{folder}")


def test_a_configuration_cannot_make_other_files_load(tmp_path: Path) -> None:
    changed = OPTIONS | {"pretrained": True, "checkpoint_path": str(tmp_path / "other.pth")}
    folder = save(tmp_path / "other", model_args=changed)
    expect_the_saved_network(create_backbone("timm", architecture=f"local-dir:{folder}"))
