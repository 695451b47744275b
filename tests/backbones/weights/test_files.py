"""Files of every kind under every name: weights are read, and of anything else it is told what it is."""

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.backbones.weights import file_sha256, read_state_dict
from froq_lightning.errors import DataNotFoundError, WeightsError


@pytest.fixture
def state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {
        key: value.clone() for key, value in nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2)).state_dict().items()
    }


def expect_same(read: dict[str, Tensor], state: dict[str, Tensor]) -> None:
    assert set(read) == set(state)
    assert all(torch.equal(read[key], value) for key, value in state.items())


# --- names


@pytest.mark.parametrize("name", ["x.pth.tar", "X.PTH", "x.tar", "x", "model.weights", "x.safetensors", "x.h5"])
@pytest.mark.parametrize("save", [torch.save, save_file])
def test_the_kind_is_told_by_the_content(name: str, save: Any, state: dict[str, Tensor], tmp_path: Path) -> None:
    save(state, tmp_path / name)
    expect_same(read_state_dict(tmp_path / name), state)


# --- folders


def sharded(folder: Path, state: dict[str, Tensor], name: str = "model", suffix: str = "safetensors") -> Path:
    keys = list(state)
    shards = {f"{name}-0000{part + 1}-of-00002.{suffix}": keys[part::2] for part in (0, 1)}
    folder.mkdir(exist_ok=True)
    for shard, held in shards.items():
        part = {key: state[key] for key in held}
        save_file(part, folder / shard) if suffix == "safetensors" else torch.save(part, folder / shard)
    weight_map = {key: shard for shard, held in shards.items() for key in held}
    index = folder / f"{name}.{suffix}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return index


@pytest.mark.parametrize(("name", "suffix"), [("model", "safetensors"), ("pytorch_model", "bin")])
@pytest.mark.parametrize("given", ["folder", "index"])
def test_shards_are_read_as_one_and_hashed_in_order(
    name: str, suffix: str, given: str, state: dict[str, Tensor], tmp_path: Path
) -> None:
    index = sharded(tmp_path / "hub", state, name, suffix)
    path = index if given == "index" else index.parent
    expect_same(read_state_dict(path), state)
    shards = b"".join(file.read_bytes() for file in sorted((tmp_path / "hub").glob(f"*.{suffix}")))
    assert file_sha256(path) == hashlib.sha256(shards).hexdigest()


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "backbone.pth"])
def test_a_folder_stands_for_the_weights_in_it(name: str, state: dict[str, Tensor], tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "config.json").write_text("{}")
    save_file(state, tmp_path / "hub" / name) if "safe" in name else torch.save(state, tmp_path / "hub" / name)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2))
    info = Backbone.with_weights(network, Preprocessing(), str(tmp_path / "hub")).weights
    assert (info.source, info.sha256) == ("hub", file_sha256(tmp_path / "hub" / name))


def test_a_folder_without_weights_is_told_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "readme.md").touch()
    with pytest.raises(WeightsError, match=r"to hold model\.safetensors or .*index\.json, but it holds readme\.md"):
        read_state_dict(tmp_path)


def test_a_shard_that_is_missing_cut_off_elsewhere_or_without_its_tensor_is_named(
    state: dict[str, Tensor], tmp_path: Path
) -> None:
    index = sharded(tmp_path, state)
    first = tmp_path / "model-00001-of-00002.safetensors"
    content, stated = first.read_bytes(), index.read_text()
    first.write_bytes(content[:-4])
    with pytest.raises(WeightsError, match=r"model-00001-of-00002\.safetensors is damaged: it ends early"):
        read_state_dict(tmp_path)
    first.unlink()
    with pytest.raises(DataNotFoundError, match=r"model-00001-of-00002\.safetensors' does not exist"):
        read_state_dict(tmp_path)
    first.write_bytes(content)
    index.write_text(stated.replace('"0.weight"', '"2.weight"'))
    with pytest.raises(WeightsError, match=r"model-00001-of-00002\.safetensors has no tensor '2\.weight'"):
        read_state_dict(index)
    index.write_text(stated.replace("model-00001", "../model-00001"))
    with pytest.raises(WeightsError, match=r"names a shard that does not lie beside it: '\.\./model-00001"):
        read_state_dict(index)
    index.write_text("{}")
    with pytest.raises(WeightsError, match="is damaged, or no index of shards"):
        read_state_dict(index)


# --- what holds no weights


class Own(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)


class Settings:
    pass


def archive(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for name, content in members.items():
            written.writestr(name, content)
    return file.getvalue()


def saved(content: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def numpy_archive() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, weight=np.ones(3))
    return file.getvalue()


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as written:
        written.addfile(tarfile.TarInfo("a"))
    return file.getvalue()


QTENSOR = b"\x80\x02ctorch._utils\n_rebuild_qtensor\n."
OPTIMISER = {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}
KINDS: dict[str, tuple[bytes, str]] = {
    "network": (saved(Own()), r"a whole pickled network \(.*Own\), which is code; save the state dict"),
    "network in an entry": (
        saved({"model": nn.Sequential(nn.ReLU())}),
        r"a whole pickled network \(torch\.nn.*Sequent",
    ),
    "network before 1.6": (saved(Own(), _use_new_zipfile_serialization=False), "a whole pickled network"),
    "class": (saved({"state_dict": {}, "settings": Settings()}), r"not opened: it names .*Settings, which is not all"),
    "protocol": (saved({"a": torch.ones(1)}, pickle_protocol=4), "pickled by a protocol that PyTorch reads only if"),
    "optimiser": (
        saved({"optimizer": OPTIMISER, "epoch": 1}),
        "state of an optimiser and no weights .*: optimizer, epo",
    ),
    "TorchScript": (archive({"a/data.pkl": b".", "a/constants.pkl": b"."}), "TorchScript, which is code"),
    "torch.export": (
        archive({"a/archive_format": b"pt2", "a/models/model.json": b"{}"}),
        r"a program of torch\.export",
    ),
    "quantised": (archive({"a/data.pkl": QTENSOR}), "a quantised network; FROQ needs the floating-point weights"),
    "Keras": (archive({"config.json": b"{}", "model.weights.h5": b""}), "a network of Keras"),
    "npz": (numpy_archive(), r"an archive of NumPy arrays \(\.npz\)"),
    "npy": (b"\x93NUMPY\x01\0", "a NumPy array"),
    "zip": (archive({"net.pth": b"", "readme.txt": b""}), "a zip archive around a checkpoint; unpack it"),
    "tar": (tar(), "a tar archive; unpack it"),
    "gzip": (gzip.compress(b"x"), "compressed by gzip; unpack it"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5, as Keras and TensorFlow write it"),
    "ONNX": (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0" + bytes(50), "ONNX; save the state dict"),
    "TensorFlow Lite": (b"\x1c\0\0\0TFL3" + bytes(50), "a network of TensorFlow"),
    "MXNet": (b"\x12\x01" + bytes(30), "a file of MXNet's"),
    "web page": (b"\n<!DOCTYPE html>\n<html>", "a web page, not the file that it leads to"),
    "web page in Latin-1": (b"<html><title>Zur\xfcck", "a web page"),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n", "a pointer of git-lfs"),
    "refusal of a server": (b'{"error": "Invalid credentials"}', 'text, which begins \'."error": "Invalid cred'),
    "empty": (b"", "empty; the download or copy failed"),
    "zeros": (bytes(3000), "it begins with zeros"),
}


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_file_is_that_holds_no_weights_is_told(kind: str, name: str, tmp_path: Path) -> None:
    content, told = KINDS[kind]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=told) as caught:
        read_state_dict(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["new", "old", "safetensors"])
def test_a_download_that_was_cut_off_is_told_as_such(
    kind: str, share: float, state: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "x"
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "new")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(WeightsError, match=r"x is damaged.* (it ends early|it may end early)"):
        read_state_dict(path)
