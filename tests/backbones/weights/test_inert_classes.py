"""Checkpoints of training frameworks that are not installed are read; nothing they name is imported or run."""

import argparse
import datetime as dt
import io
import pathlib
import sys
import types
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.weights import read_state_dict
from froq_lightning.errors import WeightsError

READS_DEQUES = pytest.mark.skipif(
    torch.__version__ < (2, 14), reason="torch before 2.14 refuses a deque, and the whole file with it"
)

MODULE = "pytorch_lightning.callbacks.model_checkpoint"


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch) -> type:
    """A class that can be pickled as `MODULE`.ModelCheckpoint while the test runs."""
    made = type("ModelCheckpoint", (), {"__module__": MODULE})
    for end in range(1, 4):
        monkeypatch.setitem(sys.modules, ".".join(MODULE.split(".")[:end]), types.ModuleType(MODULE))
    monkeypatch.setattr(sys.modules[MODULE], "ModelCheckpoint", made, raising=False)
    return made


def lightning_checkpoint(callback: type, **more: Any) -> bytes:
    """A checkpoint as PyTorch Lightning 1.x wrote it, callbacks keyed by their class."""
    file = io.BytesIO()
    saved = {
        "state_dict": {"model.weight": torch.ones(2), "head.kernel": torch.zeros(3)},
        "callbacks": {callback: {"best_model_score": torch.tensor(0.5), "best": np.float64(0.5)}},
        "hyper_parameters": {"arguments": argparse.Namespace(rate=0.1), "folder": pathlib.Path("runs"), "gpus": 8},
        **more,
    }
    torch.save(saved, file)
    return file.getvalue()


def test_a_checkpoint_of_old_lightning_is_read(callback: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "adaface.ckpt").write_bytes(lightning_checkpoint(callback))
    monkeypatch.delitem(sys.modules, MODULE)
    read = read_state_dict(tmp_path / "adaface.ckpt", prefix="model.")
    assert set(read) == {"weight"}
    assert isinstance(read["weight"], Tensor)
    assert MODULE not in sys.modules


@pytest.mark.parametrize(
    "beside",
    [
        np.ones(3),
        np.random.default_rng(0).permutation(5),
        defaultdict(list, a=[1]),
        pytest.param(deque([1, 2], maxlen=2), marks=READS_DEQUES),
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        types.SimpleNamespace(a=1),
        frozenset({1}),
        range(3),
        int,
        torch.__version__,
        torch.nn.CrossEntropyLoss(),
    ],
    ids=lambda beside: type(beside).__name__,
)
def test_ordinary_companions_of_weights_are_passed_over(beside: object, tmp_path: Path) -> None:
    torch.save({"state_dict": {"weight": torch.ones(2)}, "beside": beside}, tmp_path / "x.pt")
    assert set(read_state_dict(tmp_path / "x.pt")) == {"weight"}


class Opens:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def test_code_beside_them_is_refused_and_not_run(callback: type, tmp_path: Path) -> None:
    content = lightning_checkpoint(callback, hidden=Opens(tmp_path / "was-run"))
    (tmp_path / "hostile.ckpt").write_bytes(content)
    with pytest.raises(WeightsError, match="could run code; it was not opened"):
        read_state_dict(tmp_path / "hostile.ckpt")
    assert not (tmp_path / "was-run").exists()


def test_a_name_that_merely_begins_like_a_harmless_one_is_refused(callback: type, tmp_path: Path) -> None:
    callback.__module__ = "pytorch_lightning_evil"
    sys.modules["pytorch_lightning_evil"] = types.ModuleType("pytorch_lightning_evil")
    try:
        sys.modules["pytorch_lightning_evil"].ModelCheckpoint = callback  # type: ignore[attr-defined]
        (tmp_path / "hostile.ckpt").write_bytes(lightning_checkpoint(callback))
    finally:
        del sys.modules["pytorch_lightning_evil"]
    with pytest.raises(WeightsError, match="could run code"):
        read_state_dict(tmp_path / "hostile.ckpt")
