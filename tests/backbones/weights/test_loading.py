"""Checkpoints of every kind, whole, damaged and hostile."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.backbones.weights import file_sha256, load_weights, network_sha256, read_state_dict
from froq_lightning.errors import DataNotFoundError, WeightsError


class Opens:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


@pytest.fixture
def state_dict(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def expect_same(read: dict[str, Tensor], state_dict: dict[str, Tensor]) -> None:
    assert set(read) == set(state_dict)
    assert all(torch.equal(read[name], tensor) for name, tensor in state_dict.items())


def test_safetensors_are_read(state_dict: dict[str, Tensor], tmp_path: Path) -> None:
    save_file(state_dict, tmp_path / "net.safetensors")
    expect_same(read_state_dict(tmp_path / "net.safetensors"), state_dict)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".bin"])
@pytest.mark.parametrize("key", [None, "state_dict", "net_state_dict", "model_state_dict", "model", "backbone"])
def test_checkpoints_are_read_under_the_usual_keys(
    suffix: str, key: str | None, state_dict: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / f"net{suffix}"
    torch.save({key: state_dict, "epoch": 3} if key else state_dict, path)
    expect_same(read_state_dict(path), state_dict)


def test_a_key_chooses_the_entry(state_dict: dict[str, Tensor], tmp_path: Path) -> None:
    other = {name: tensor + 1 for name, tensor in state_dict.items()}
    torch.save({"state_dict": state_dict, "ema": other}, tmp_path / "net.pt")
    expect_same(read_state_dict(tmp_path / "net.pt", key="ema"), other)


def test_a_prefix_is_cut_off_and_other_keys_are_left(state_dict: dict[str, Tensor], tmp_path: Path) -> None:
    lightning = {f"model.{name}": tensor for name, tensor in state_dict.items()} | {"head.weight": torch.ones(2)}
    torch.save({"state_dict": lightning}, tmp_path / "last.ckpt")
    expect_same(read_state_dict(tmp_path / "last.ckpt", prefix="model."), state_dict)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(DataNotFoundError, match=r"weights file 'nowhere\.pt' does not exist"):
        read_state_dict("nowhere.pt")


def test_a_key_that_is_not_there_is_told_those_that_are(state_dict: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save({"model": state_dict, "epoch": 3}, tmp_path / "net.pt")
    with pytest.raises(WeightsError, match=r"net\.pt has no entry 'ema'; it has: model, epoch"):
        read_state_dict(tmp_path / "net.pt", key="ema")


def test_a_key_of_something_else_than_a_state_dict_is_refused(state_dict: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save({"model": state_dict, "epoch": 3}, tmp_path / "net.pt")
    with pytest.raises(WeightsError, match=r"Expected 'epoch' of net\.pt to be a state dict, but got int"):
        read_state_dict(tmp_path / "net.pt", key="epoch")


def test_a_prefix_that_no_key_has_is_told_the_first_keys(state_dict: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(state_dict, tmp_path / "net.pt")
    with pytest.raises(
        WeightsError, match=r"no key in net\.pt starts with 'net\.'; its first keys: 0\.weight, 0\.bias"
    ):
        read_state_dict(tmp_path / "net.pt", prefix="net.")


@pytest.mark.parametrize("content", [[1, 2], torch.ones(3), "text"])
def test_something_else_than_a_state_dict_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(WeightsError, match=rf"Expected net\.pt to hold a state dict, but got {type(content).__name__}"):
        read_state_dict(tmp_path / "net.pt")


def test_a_checkpoint_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "best": 0.5}, tmp_path / "net.pt")
    with pytest.raises(WeightsError, match=r"net\.pt holds no tensors; its entries: epoch, best"):
        read_state_dict(tmp_path / "net.pt")


@pytest.mark.parametrize("suffix", [".pt", ".ckpt", ".safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.98])
def test_a_truncated_file_is_refused_in_one_line(
    suffix: str, share: float, state_dict: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / f"net{suffix}"
    save_file(state_dict, path) if suffix == ".safetensors" else torch.save(state_dict, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(WeightsError, match=r"net\.\w+ ") as caught:
        read_state_dict(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"version https://git-lfs.github.com/spec/v1\n", b"\0"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_of_something_else_is_refused_in_one_line(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"net\.\w+ ") as caught:
        read_state_dict(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("how", ["torch.save", "pickle"])
def test_code_in_a_checkpoint_does_not_run(how: str, tmp_path: Path) -> None:
    path, trace = tmp_path / "evil.pt", tmp_path / "it_ran"
    content = {"state_dict": Opens(trace)}
    torch.save(content, path) if how == "torch.save" else path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(
        WeightsError, match=r"evil\.pt is damaged, or holds more than tensors and could run code; it was not opened"
    ):
        read_state_dict(path)
    assert not trace.exists()


def test_weights_that_fit_are_loaded(network: nn.Module, state_dict: dict[str, Tensor]) -> None:
    other = {name: tensor + 1 for name, tensor in state_dict.items()}
    load_weights(network, other, "net.pt")
    expect_same(dict(network.state_dict()), other)


def test_a_misfit_names_the_keys_of_every_kind(network: nn.Module, state_dict: dict[str, Tensor]) -> None:
    del state_dict["0.bias"]
    state_dict |= {"head.weight": torch.ones(2), "1.weight": torch.ones(9)}
    told = (
        r"net\.pt does not fit Sequential: keys 1 missing \(0\.bias\); 1 unexpected \(head\.weight\); "
        r"1 of another shape \(1\.weight \[9\] for \[4\]\)"
    )
    before = network[0].weight.clone()
    with pytest.raises(WeightsError, match=told):
        load_weights(network, state_dict, Path("some") / "net.pt")
    assert torch.equal(network[0].weight, before)


def test_of_many_keys_the_first_are_named(network: nn.Module) -> None:
    with pytest.raises(WeightsError, match=r"7 missing \(0\.weight, 0\.bias, 1\.weight, …\)"):
        load_weights(network, {}, "net.pt")


def test_a_files_hash_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"weights")
    assert file_sha256(tmp_path / "file") == hashlib.sha256(b"weights").hexdigest()


def test_a_networks_hash_changes_with_any_of_its_values(network: nn.Module) -> None:
    before = network_sha256(network)
    assert network_sha256(network) == before
    with torch.no_grad():
        network[1].running_mean[2] += 1e-3
    assert network_sha256(network) != before


def test_a_backbone_tells_where_its_weights_come_from(
    network: nn.Module, state_dict: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "net.safetensors"
    save_file(state_dict, path)
    backbone = Backbone.with_weights(network, Preprocessing(), str(path), licence="MIT")
    info = backbone.weights
    assert (info.source, info.sha256, info.licence) == ("net.safetensors", file_sha256(path), "MIT")


def test_a_backbone_without_a_file_is_known_by_its_values(network: nn.Module) -> None:
    info = Backbone.with_weights(network, Preprocessing(), None).weights
    assert (info.source, info.sha256) == ("as built", network_sha256(network))
