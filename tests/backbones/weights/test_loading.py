"""Checkpoints of every kind, whole, damaged and hostile."""

import hashlib
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.backbones.weights import file_sha256, load_weights, network_sha256, read_state_dict
from froq_lightning.errors import DataNotFoundError, WeightsError

STATE = {"0.weight": torch.ones(2), "0.bias": torch.ones(2)}


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


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".bin"])
@pytest.mark.parametrize("key", [None, "state_dict", "net_state_dict", "model_state_dict", "model", "backbone"])
def test_checkpoints_are_read_under_the_usual_keys(
    suffix: str, key: str | None, state_dict: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / f"net{suffix}"
    torch.save({key: state_dict, "epoch": 3} if key else state_dict, path)
    expect_same(read_state_dict(path), state_dict)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(DataNotFoundError, match=r"weights file 'nowhere\.pt' does not exist"):
        read_state_dict("nowhere.pt")


@pytest.mark.parametrize(
    ("content", "chosen", "message"),
    [
        ({"model": STATE, "epoch": 3}, {"key": "ema"}, r"net\.pt has no entry 'ema'; it has: model, epoch"),
        (
            {"model": STATE, "epoch": 3},
            {"key": "epoch"},
            r"Expected 'epoch' of net\.pt to be a state dict, but got int",
        ),
        (STATE, {"prefix": "net."}, r"no key in net\.pt starts with 'net\.'; its first keys: 0\.weight, 0\.bias"),
        ([1, 2], {}, r"Expected net\.pt to hold a state dict, but got list"),
        (torch.ones(3), {}, r"Expected net\.pt to hold a state dict, but got Tensor"),
        ({"epoch": 3, "best": 0.5}, {}, r"net\.pt holds no tensors; its entries: epoch, best"),
    ],
)
def test_what_holds_no_such_state_dict_is_refused(
    content: object, chosen: dict[str, str], message: str, tmp_path: Path
) -> None:
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(WeightsError, match=message):
        read_state_dict(tmp_path / "net.pt", **chosen)


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


def test_a_backbone_without_a_file_is_known_by_its_values(network: nn.Module) -> None:
    info = Backbone.with_weights(network, Preprocessing(), None).weights
    assert (info.source, info.sha256) == ("as built", network_sha256(network))
