"""A checkpoint of a few bytes cannot fill the memory."""

import codecs
import pickle
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from froq_lightning.backbones.weights import read_state_dict
from froq_lightning.backbones.weights.pickles import named_globals
from froq_lightning.errors import WeightsError


class Call:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def doubled(times: int) -> Call:
    """Text that is written in hexadecimal digits, again and again."""
    text = Call(codecs.encode, "x", "latin1")
    for _ in range(times):
        text = Call(codecs.encode, text, "hex")
    return text


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("hostile", [Call(bytearray, 10**10), doubled(40)], ids=["zeros", "digits"])
def test_what_grows_when_it_is_read_is_refused(hostile: Call, new: bool, tmp_path: Path) -> None:
    content = {"a": torch.ones(3), "hostile": hostile}
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=new)
    with pytest.raises(WeightsError, match=r"a\.pt holds more than tensors, and could fill the memory"):
        read_state_dict(tmp_path / "a.pt")


def test_bytes_beside_the_tensors_are_read(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(3)}, "name": b"\xffx"}, tmp_path / "a.pt")
    assert "_codecs.encode" in named_globals(tmp_path / "a.pt")
    assert list(read_state_dict(tmp_path / "a.pt")) == ["a"]


@pytest.mark.parametrize(
    "beside",
    [
        np.float64(0.5),
        b"\xffx",
        b"",
        bytearray(b"x"),
        {"a set"},
        Counter({10: 1, 20: 1}),
        [torch.Size([]), torch.Size([3]), torch.Size([3, 112, 70_000]), torch.Size([1] * 5)],
        {"encoding": "utf-8", "b": b"x"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("tensors", [1, 700])
def test_what_pickles_write_as_a_call_is_read_beside_any_number_of_tensors(
    beside: object, tensors: int, tmp_path: Path
) -> None:
    state = {f"layer{number}.weight": torch.ones(1) for number in range(tensors)} | {"hex": torch.ones(1)}
    torch.save({"state_dict": state, "beside": beside}, tmp_path / "a.pt")
    assert len(read_state_dict(tmp_path / "a.pt")) == tensors + 1


def test_compressed_tensors_are_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(10**6)}, tmp_path / "plain.pt")
    with zipfile.ZipFile(tmp_path / "plain.pt") as plain, zipfile.ZipFile(tmp_path / "a.pt", "w", 8) as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    assert (tmp_path / "a.pt").stat().st_size < 10_000
    with pytest.raises(WeightsError, match=r"a\.pt holds compressed tensors"):
        read_state_dict(tmp_path / "a.pt")


@pytest.mark.parametrize("new", [True, False])
def test_megabytes_beside_the_tensors_are_refused(new: bool, tmp_path: Path) -> None:
    content = {"a": torch.ones(3), "log": "x" * 2**24}
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=new)
    with pytest.raises(WeightsError, match=r"holds more than tensors: 16,77\d,\d+ bytes beside them"):
        read_state_dict(tmp_path / "a.pt")


def test_a_pickle_that_is_cut_off_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(pickle.dumps({"a": 1})[:-1])
    with pytest.raises(WeightsError, match=r"a\.pt is damaged or no checkpoint: pickle exhausted"):
        read_state_dict(tmp_path / "a.pt")


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x80\x02c" + b"'\"(a" * 5_000 + b"\nname\n.",
        b"\x80\x02}" + b"".join(b"cpathlib\nP%d\n0" % k for k in range(300)) + b".",
    ],
    ids=["long", "many"],
)
def test_names_that_pytorch_would_search_for_minutes_are_refused(hostile: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(hostile)
    with pytest.raises(WeightsError, match="it names too many classes, or too long ones"):
        read_state_dict(tmp_path / "a.pt")


def test_tensors_that_have_no_names_are_none(tmp_path: Path) -> None:
    torch.save({("a", 1): torch.ones(3), "b": torch.zeros(2)}, tmp_path / "a.pt")
    assert list(read_state_dict(tmp_path / "a.pt")) == ["b"]


LONG = "x" * 2**20


@pytest.mark.filterwarnings("ignore::UserWarning")  # of PyTorch, about sparse tensors that it does not check
@pytest.mark.parametrize(
    "hostile",
    [
        torch.eye(3).to_sparse(),
        torch.zeros(2, device="meta"),
        Call(
            torch._utils._rebuild_device_tensor_from_cpu_tensor,
            torch.zeros(1).expand(10**9),
            torch.float64,
            "cpu",
            False,
        ),
        [Call(codecs.encode, LONG, "latin1") for _ in range(17)],
        Call(OrderedDict, torch.zeros(1).expand(10**9)),
        Call(set, torch.zeros(1).expand(10**9)),
        Call(Counter, torch.zeros(1).expand(10**9)),
        Call(torch.Size, torch.zeros(1).expand(10**9)),
        Call(codecs.encode, Call(codecs.encode, "x", "latin1"), "hex!codec"),
        Call(codecs.encode, "x" * 1000, "punycode"),
        Call(torch._tensor._rebuild_from_type_v2, codecs.encode, torch.Tensor, (doubled(3), "hex"), {}),
        Call(torch._tensor._rebuild_from_type_v2, bytearray, torch.Tensor, [10**9], {}),
    ],
    ids=[
        "sparse",
        "meta",
        "copy of an expanded tensor",
        "text again and again",
        "mapping",
        "set",
        "counter",
        "size",
        "another name of a codec",
        "a slow codec",
        "called by another",
        "zeros by another",
    ],
)
def test_what_pytorch_would_call_with_much_is_refused(hostile: object, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(3), "hostile": hostile}, tmp_path / "a.pt")
    with pytest.raises(WeightsError, match=r"a\.pt holds more than tensors, and could fill the memory"):
        read_state_dict(tmp_path / "a.pt")


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "members",
    [
        {"a/data.pkl": b"\x80\x02}.", "a/DATA.PKL": b"\x80\x02}."},
        {"a/data.pkl": b"\x80\x02}.", "b/data.pkl": b"\x80\x02}."},
        {"a/version": b"3"},
        {"a/data.pkl": b"\x80\x02}X\x01\x00\x00\x00AK\x00s.", "a/data/a": b"1234"},
    ],
)
def test_an_archive_that_two_readers_may_read_differently_is_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"a\.pt is damaged or no checkpoint"):
        named_globals(archive(tmp_path / "a.pt", members))


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.pt", {"a/data.pkl": b"\x80\x02}.", "a/data/0": bytes(10**5)})
    content = path.read_bytes()
    directory = content.index(b"PK\x01\x02")
    entry = content.index(b"PK\x01\x02", directory + 1)
    end = content.index(b"PK\x05\x06")
    second = content[entry:end].replace(b"a/data/0", b"a/data/1")
    tail = bytearray(content[end:])
    tail[8:12] = b"\x03\x00\x03\x00"
    tail[12:16] = (end - directory + len(second)).to_bytes(4, "little")
    path.write_bytes(content[:end] + second + bytes(tail))
    with pytest.raises(WeightsError, match="no archive that PyTorch writes"):
        named_globals(path)
