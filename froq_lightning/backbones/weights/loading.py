"""Finds the tensors in a checkpoint that fit a network, and loads them into it."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from froq_lightning.backbones.weights.files import read_checkpoint
from froq_lightning.backbones.weights.key_matching import Fit, Layout, fits, is_alike, prefixes, renamed
from froq_lightning.backbones.weights.state_dicts import StateDict, find_state_dicts, listed
from froq_lightning.errors import WeightsError

PLAIN: Layout = {"": ""}
MAX_COMPARED = 20  # state dicts, to find the one most like the network


def read_state_dict(
    path: str | Path, key: str | Sequence[str] | None = None, prefix: str | Layout = ""
) -> dict[str, Tensor]:
    """Read a state dict onto the CPU from a safetensors file or a PyTorch checkpoint (`weights_only=True`).

    Args:
        path: a file of PyTorch or safetensors, a folder of the hub, or the index of a sharded one.
        key: entry of the checkpoint that holds the state dict; without it, the one that is found first where training
            scripts leave it, or else the one with the most tensors. Several entries make one state dict, in which
            "entry." precedes the keys of each.
        prefix: of the keys to take, cut off ("model." for a LightningModule); or a mapping from prefixes to what
            replaces them, None to leave such keys out. The longest matching prefix counts; keys that start with none
            are left out.

    Raises:
        DataNotFoundError: if there is no such file.
        WeightsError: if it is damaged, of another kind, carries code, or holds no such key or prefix.
    """
    path = Path(path)
    state = find_state_dicts(read_checkpoint(path), key, path.name)[0]
    return _with_layout(state, "", _layout(prefix), path.name)


def load_weights(network: nn.Module, state_dict: Mapping[str, Tensor], source: str | Path) -> None:
    """Load a state dict that must fit the network; prefixes that all keys share, and a head beside it, may be more.

    Raises:
        WeightsError: naming the first missing, unexpected and differently shaped keys.
    """
    states = [StateDict((), dict(state_dict))]
    matching = fits(network, states, PLAIN)
    if not matching:
        raise _misfit(network, states, PLAIN, Path(source).name)
    _load(network, matching, Path(source).name)


def load_checkpoint(
    network: nn.Module, path: str | Path, key: str | Sequence[str] | None = None, prefix: str | Layout = ""
) -> str:
    """Load what fits a network out of a checkpoint, wherever in it that lies.

    Args:
        network: to load into; nothing of it may be missing.
        path: as for `read_state_dict`.
        key: entry to look in; where there is none, all are.
        prefix: as for `read_state_dict`; where no key has it, the keys are taken as they are. Whatever precedes the
            keys of the network beyond that, such as "module.", is cut off.

    Returns:
        A remark in one line: what was cut off or left out, or which of several state dicts was used; or an empty text.

    Raises:
        DataNotFoundError: if there is no such file.
        WeightsError: if it cannot be read or does not fit, or if several networks in it do.
    """
    path, layout = Path(path), _layout(prefix)
    checkpoint, remark = read_checkpoint(path), ""
    missing: WeightsError | None = None
    try:
        states = find_state_dicts(checkpoint, key, path.name)
    except WeightsError as error:
        if key is None:
            raise
        states, missing, remark = find_state_dicts(checkpoint, None, path.name), error, str(error)
    matching = fits(network, states, layout)
    if not matching:
        matching = fits(network, [state.unwrapped() for state in states], layout)
        remark = "; ".join(filter(None, [remark, f"{path.name}: took the names of wrappers out of its keys"]))
    if not matching and layout != PLAIN:
        matching = fits(network, states, PLAIN)
        remark = str(missing or f"no key of {path.name} starts with {_expected(layout)}")
    if not matching:
        raise missing or _misfit(network, states, layout, path.name)
    return "; ".join(filter(None, [remark, _load(network, matching, path.name)]))


def network_sha256(network: nn.Module) -> str:
    """SHA-256 of a network's parameters and buffers, for weights that did not come from one file.

    On the "meta" device, where tensors have no values, of their names and shapes.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        if not tensor.is_meta:
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _layout(prefix: str | Layout) -> Layout:
    return {prefix: ""} if isinstance(prefix, str) else prefix


def _expected(layout: Layout) -> str:
    return " or ".join(repr(prefix) for prefix, kept in layout.items() if kept is not None)


def _load(network: nn.Module, matching: Sequence[Fit], name: str) -> str:
    """Load the first fit, and return remarks about it; raise if another network fits equally well."""
    best, others = matching[0], [fit for fit in matching[1:] if not fit.equals(matching[0])]
    rivals = [fit for fit in others if fit.is_averaged == best.is_averaged]
    rival = next((fit for fit in rivals if fit.state is best.state or not best.state.is_usual), None)
    if rival is not None:
        raise WeightsError(
            f"{name} holds several networks that fit, {best.place!r} and {rival.place!r}; "
            "save the state dict of the one that is wanted in a file of its own"
        )
    network.load_state_dict(best.tensors, strict=False)  # counters of batch normalisation may be missing
    remarks = []
    if others or not best.state.is_usual:
        instead = f", not {', '.join(repr(fit.place) for fit in others)}" if others else ""
        remarks.append(f"took {best.place!r}{instead}")
    if best.prefix:
        remarks.append(f"cut {best.prefix!r} off its keys")
    if best.left:
        keys = "key" if len(best.left) == 1 else "keys"
        remarks.append(f"left out {len(best.left)} {keys} that the network does not have ({listed(best.left)})")
    return f"{name}: {'; '.join(remarks)}" if remarks else ""


def _with_layout(state: StateDict, prefix: str, layout: Layout, file: str) -> dict[str, Tensor]:
    behind = {key.removeprefix(prefix): value for key, value in state.tensors.items() if key.startswith(prefix)}
    named = {renamed(key, layout): value for key, value in behind.items()}
    found = {name: value for name, value in named.items() if name is not None}
    if not found and "" not in layout:
        raise WeightsError(f"no key in {file} starts with {_expected(layout)}; its first keys: {listed(state.tensors)}")
    return found


def _misfit(network: nn.Module, states: Sequence[StateDict], layout: Layout, file: str) -> WeightsError:
    """Build the error that compares a network with the state dict that has most of its names, after any prefix."""
    own = network.state_dict()
    counted = [
        (count, state, prefix)
        for state in states[:MAX_COMPARED]
        for prefix, count in prefixes(own, state, layout).items()
    ]
    _, nearest, prefix = max(counted, key=lambda item: item[0], default=(0, states[0], ""))
    state_dict = _with_layout(nearest, prefix, layout, file)
    differing = [name for name in own if name in state_dict and not is_alike(state_dict[name], own[name])]
    kinds = {
        "missing": [name for name in own if name not in state_dict],
        "unexpected": [name for name in state_dict if name not in own],
        "of another shape": [
            f"{name} {list(state_dict[name].shape)} for {list(own[name].shape)}"
            for name in differing
            if state_dict[name].shape != own[name].shape
        ],
        "of another type": [
            f"{name} {state_dict[name].dtype} for {own[name].dtype}"
            for name in differing
            if state_dict[name].shape == own[name].shape
        ],
    }
    problems = [f"{len(names)} {kind} ({listed(names)})" for kind, names in kinds.items() if names]
    return WeightsError(f"{file} does not fit {type(network).__name__}: keys {'; '.join(problems)}")
