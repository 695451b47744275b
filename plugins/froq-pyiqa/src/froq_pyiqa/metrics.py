"""Metrics of pyiqa by name, built so that no file runs code, and that a missing one is named."""

import os
import pickle
import socket
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any

import torch
from torch import nn

from froq_lightning.errors import ConfigurationError, DownloadError, ExtensionError, UnknownNameError, WeightsError
from froq_pyiqa.downloads import missing_file, named_failure

# Metrics that are given as no-reference ones, by the class behind them; what follows is said of them.
_SETS = "compares sets of images and scores no single one"
_CAPTION = "compares an image with a caption"
_REMOTE_CODE = "runs code that it fetches from its hub"
_PROGRAM = "reads weights that are a TorchScript program"
REFUSED = {
    **dict.fromkeys(("FID", "InceptionScore"), _SETS),
    "CLIPScore": _CAPTION,
    **dict.fromkeys(("QAlign", "Compare2Score"), _REMOTE_CODE),
    **dict.fromkeys(("AFINE", "ARNIQA", "CLIPIQA", "LAIONAes", "LIQE", "MACLIP", "QualiCLIP"), _PROGRAM),
}
# With it, torch.load unpickles tensors and plain values only, even where pyiqa asks for more.
_WEIGHTS_ONLY = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
SECONDS_TO_ANSWER = 20.0
_LOCK = Lock()


@dataclass(frozen=True)
class Metric:
    """A metric: what maps `[B, 3, H, W]` RGB images in 0..1 to scores, and whether lower scores are better."""

    network: nn.Module
    lower_better: bool


def require_metric(name: str) -> None:
    """Refuse a name that is no metric of pyiqa, or one that cannot score an image by itself.

    Raises:
        ExtensionError: if pyiqa is not installed, or cannot be imported.
        UnknownNameError: for an unknown name; the text gives the nearest.
        ConfigurationError: saying why the metric is refused.
    """
    known = _configurations()
    if name not in known:
        usable = [each for each in known if _refusal(known[each]) is None]
        raise UnknownNameError.among("metric of pyiqa", name, usable)
    if reason := _refusal(known[name]):
        raise ConfigurationError(
            f"Expected a metric of pyiqa that scores an image by itself, from weights that run no code, but {name} "
            f"{reason}; choose another metric"
        )


def load_metric(name: str) -> Metric:
    """Build a metric on the CPU, and fetch its weights if they are not here yet.

    Raises:
        DownloadError: if a file cannot be fetched, saying where it is to be put.
        WeightsError: if a file holds more than weights.
    """
    pyiqa = _pyiqa()
    try:
        with _LOCK, torch.inference_mode(mode=False), _guarded(), quiet():
            network = pyiqa.create_metric(name, device="cpu")
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"the weights of pyiqa's metric {name} are damaged, or would run code when they are read: {_first(error)}"
        ) from error
    except DownloadError as error:
        raise DownloadError(f"the metric {name} needs weights: {error}") from error
    except Exception as error:  # of the network, the hub, a library that pyiqa lacks
        if missing := missing_file(error):
            raise DownloadError(f"the metric {name} needs weights: {missing}") from error
        raise ExtensionError(f"pyiqa's metric {name} cannot be built: {_first(error)}") from error
    return Metric(network.eval(), bool(network.lower_better))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pyiqa's prints out of the standard output, and its warnings to itself."""
    with redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _refusal(configuration: Mapping[str, Any]) -> str | None:
    if configuration["metric_mode"] != "NR":
        return "compares an image with a reference"
    return REFUSED.get(configuration["metric_opts"]["type"])


def _configurations() -> Mapping[str, Mapping[str, Any]]:
    _pyiqa()
    return import_module("pyiqa.default_model_configs").DEFAULT_CONFIGS


def _pyiqa() -> Any:
    if find_spec("pyiqa") is None:
        raise ExtensionError(
            "the method pyiqa needs the package pyiqa, which is not installed; run `pip install pyiqa`"
        )
    try:
        with quiet():
            return import_module("pyiqa")
    except Exception as error:  # of the packages that it imports
        raise ExtensionError(f"the package pyiqa cannot be imported: {_first(error)}") from error


@contextmanager
def _guarded() -> Iterator[None]:
    """Read weights as weights only, run no TorchScript, name files that cannot be fetched, and do not wait for long."""
    download, stated, seconds = (
        torch.hub.download_url_to_file,
        os.environ.get(_WEIGHTS_ONLY),
        socket.getdefaulttimeout(),
    )
    with ExitStack() as stack:
        stack.enter_context(_replaced("torch.hub", "download_url_to_file", named_failure(download)))
        stack.enter_context(_replaced("pyiqa.utils.download_util", "download_url_to_file", named_failure(download)))
        stack.enter_context(_replaced("torch.jit", "load", _refuse_program))
        stack.callback(socket.setdefaulttimeout, seconds)
        stack.callback(_set_environment, stated)
        socket.setdefaulttimeout(SECONDS_TO_ANSWER)
        _set_environment("1")
        yield


@contextmanager
def _replaced(module: str, name: str, value: Callable[..., Any]) -> Iterator[None]:
    owner = import_module(module)
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _set_environment(value: str | None) -> None:
    if value is None:
        os.environ.pop(_WEIGHTS_ONLY, None)
    else:
        os.environ[_WEIGHTS_ONLY] = value


def _refuse_program(*_: Any, **__: Any) -> Any:
    raise pickle.UnpicklingError("they are a TorchScript program")


def _first(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
