"""What is loaded out of a checkpoint: the network's weights wherever they lie, and nothing that does not fit."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.weights import load_checkpoint, load_weights
from froq_lightning.errors import WeightsError

State = dict[str, Any]


def network(classifier: nn.Module | None = None) -> nn.Module:
    parts = OrderedDict(
        stem=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), layer1=nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4))
    )
    return nn.Sequential(parts | ({"fc": classifier} if classifier else {}))


@pytest.fixture
def trained() -> State:
    generator = torch.Generator().manual_seed(1)
    own = network().state_dict()
    return {
        key: torch.rand(value.shape, generator=generator) if value.is_floating_point() else value + 7
        for key, value in own.items()
    }


def under(prefix: str, state: State) -> State:
    return {prefix + key: value for key, value in state.items()}


def other(state: State) -> State:
    return {key: value + 1 for key, value in state.items()}


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., str]:
    """`load(network, checkpoint)`: write it to "x.pth", load it from there, and return the note."""

    def write_and_load(into: nn.Module, checkpoint: Any, **options: Any) -> str:
        torch.save(checkpoint, tmp_path / "x.pth")
        return load_checkpoint(into, tmp_path / "x.pth", **options)

    return write_and_load


def expect(into: nn.Module, state: State) -> None:
    own = into.state_dict()
    assert all(torch.equal(own[key], value) for key, value in state.items())


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "backbone.", "encoder.module.", "module._orig_mod.model.", "anything.else."]
)
@pytest.mark.parametrize("entries", [(), ("state_dict",), ("model", "state_dict")])
def test_a_shared_prefix_is_cut_off_and_told(
    prefix: str, entries: tuple[str, ...], trained: State, load: Callable[..., str]
) -> None:
    checkpoint: Any = under(prefix, trained)
    for entry in reversed(entries):
        checkpoint = {entry: checkpoint, "epoch": 3}
    into = network()
    assert load(into, checkpoint) == f"x.pth: cut {prefix!r} off its keys"
    expect(into, trained)


HEAD = {"module.layer.weight": torch.zeros(9, 4), "loss.scale": torch.ones(1)}
OPTIMISER = {"state": {0: {"step": torch.ones(1), "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}
# What a checkpoint holds of the trained weights and others, the options, and the note.
CHECKPOINTS: dict[str, tuple[Callable[[State, State], Any], dict[str, str], str]] = {
    "a head without the prefix": (
        lambda own, _: {"state_dict": under("module.net.", own) | HEAD},
        {},
        "x.pth: cut 'module.net.' off its keys; left out 2 keys that the network does not have "
        "(module.layer.weight, loss.scale)",
    ),
    "an unusual entry": (
        lambda own, _: {"generator": own, "optimizer": OPTIMISER, "statistics": {"loss": torch.ones(3)}},
        {},
        "x.pth: took 'generator'",
    ),
    "averaged weights alone": (lambda own, _: {"model_ema": own}, {}, "x.pth: took 'model_ema'"),
    "lists": (lambda own, _: (3, {"inner": [OrderedDict(own)]}), {}, "x.pth: took '1.inner.0'"),
    "a mapping of another class": (lambda own, _: defaultdict(dict, {"model": own}), {}, ""),
    "wrappers of parts": (
        lambda own, _: {key.replace("layer1.", "layer1._orig_mod.module."): value for key, value in own.items()},
        {},
        "x.pth: took the names of wrappers out of its keys",
    ),
    "the same weights twice": (
        lambda own, _: under("model.", own) | under("alias.", {key: value.clone() for key, value in own.items()}),
        {},
        "x.pth: cut 'model.' off its keys; left out",
    ),
    "no such entry": (lambda own, _: {"model": own}, {"key": "ema"}, "x.pth has no entry 'ema'; it has: model"),
    "the chosen entry": (lambda own, other: {"state_dict": other, "ema": own}, {"key": "ema"}, ""),
    "no such prefix": (lambda own, _: own, {"prefix": "net."}, "no key of x.pth starts with 'net.'"),
    "no such prefix, and a head": (
        lambda own, _: under("module.", own | {"margin.weight": torch.rand(9, 4)}),
        {"prefix": "model."},
        "no key of x.pth starts with 'model.'; x.pth: cut 'module.' off its keys; left out 1 key that the network does "
        "not have (module.margin.weight)",
    ),
    "the prefix behind a wrapper": (
        lambda own, _: under("module.net.", own),
        {"prefix": "net."},
        "x.pth: cut 'module.' off its keys",
    ),
    "averaged weights beside": (
        lambda own, other: {"model_ema": other, "net": own},
        {},
        "x.pth: took 'net', not 'model_ema'",
    ),
    "two usual entries": (
        lambda own, other: {"model": other, "state_dict": own},
        {},
        "x.pth: took 'state_dict', not 'model'",
    ),
    "averaged weights by their prefix": (
        lambda own, other: under("ema.", other) | under("net.", own),
        {},
        "x.pth: took 'net', not 'ema'; cut 'net.' off its keys",
    ),
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_the_weights_are_found_wherever_they_are_and_the_note_says_where(
    kind: str, trained: State, load: Callable[..., str]
) -> None:
    checkpoint, options, note = CHECKPOINTS[kind]
    into = network()
    loaded = load(into, checkpoint(trained, other(trained)), **options)
    assert loaded.startswith(note)
    assert bool(loaded) == bool(note)
    expect(into, trained)


def test_what_profilers_leave_is_left_out_and_missing_counters_stay(trained: State, load: Callable[..., str]) -> None:
    profiled = {key: torch.zeros(1) for key in ("total_ops", "total_params", "stem.total_ops", "layer1.0.total_params")}
    without = {key: value for key, value in trained.items() if not key.endswith("num_batches_tracked")}
    into = network()
    assert "left out 4 keys that the network does not have (total_ops," in load(into, without | profiled)
    expect(into, without)
    assert load(into, other(without)) == ""
    expect(into, other(without))


def test_a_classifier_that_the_network_goes_without_is_left_out(trained: State, load: Callable[..., str]) -> None:
    into = network(nn.Identity())
    told = load(into, trained | {"fc.weight": torch.zeros(9, 4), "fc.bias": torch.zeros(9)})
    assert told.endswith("left out 2 keys that the network does not have (fc.weight, fc.bias)")
    expect(into, trained)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"layer1.2.weight": torch.zeros(4)}, r"1 unexpected \(layer1\.2\.weight\)"),
        ({"layer2.0.weight": torch.zeros(4)}, r"1 unexpected \(layer2\.0\.weight\)"),
        ({"stem.extra": torch.zeros(4)}, r"1 unexpected \(stem\.extra\)"),
        ({"token": torch.zeros(4)}, r"1 unexpected \(token\)"),
        ({"norm.weight": torch.zeros(5)}, r"1 of another shape \(norm\.weight \[5\] for \[4\]\)"),
        (
            {"norm.weight": torch.zeros(4, dtype=torch.int8)},
            r"1 of another type \(norm\.weight torch\.int8 for torch\.float32\)",
        ),
        ({"norm.weight": 3}, r"1 missing \(norm\.weight\)"),
    ],
    ids=["a layer more", "a stage more", "a tensor more", "a parameter of the whole", "shape", "integers", "no tensor"],
)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_another_network_is_refused_and_nothing_of_it_loaded(
    change: State, told: str, prefix: str, trained: State, load: Callable[..., str]
) -> None:
    into = network()
    before = {key: value.clone() for key, value in into.state_dict().items()}
    with pytest.raises(WeightsError, match=rf"x\.pth does not fit Sequential: keys {told}$"):
        load(into, {"state_dict": under(prefix, trained | change)})
    expect(into, before)


@pytest.mark.parametrize(
    "checkpoint",
    [
        lambda one, two: {"state_dict": under("student.", one) | under("teacher.", two)},
        lambda one, two: {"student": one, "teacher": two},
        lambda one, two: {"model": {"left": one, "right": two}},
    ],
)
def test_of_two_networks_that_fit_none_is_chosen(
    checkpoint: Callable[[State, State], State], trained: State, load: Callable[..., str]
) -> None:
    with pytest.raises(
        WeightsError, match=r"x\.pth holds several networks that fit, '.+' and '.+'; save the state dict"
    ):
        load(network(), checkpoint(trained, other(trained)))


def test_a_state_dict_at_hand_may_be_wrapped_too(trained: State) -> None:
    into = network()
    load_weights(into, under("module.", trained), "x.pth")
    expect(into, trained)


@pytest.mark.parametrize(
    "wrap", [lambda s: {"model": {"state_dict": under("module.model.", s)}}, lambda s: under("net.", s)]
)
def test_real_weights_embed_alike_however_they_are_wrapped(
    wrap: Callable[[State], State], shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights: dict[str, Tensor] = load_file(shared / "data" / "weights" / "edgeface_xxs.safetensors")
    torch.save(wrap(weights), tmp_path / "FACE.PTH.TAR")
    loaded = create_backbone("timm", architecture="edgenext_xx_small", weights=str(tmp_path / "FACE.PTH.TAR"))
    told = capsys.readouterr().err
    assert told.startswith("froq: FACE.PTH.TAR: cut '")
    assert told.count("\n") == 1
    plain = timm.create_model("edgenext_xx_small", num_classes=512).eval()
    plain.load_state_dict(weights)
    images = torch.rand(1, 3, 112, 112)
    with torch.no_grad():
        assert torch.equal(loaded.network(images), plain(images))
