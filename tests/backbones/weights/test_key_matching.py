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


def test_a_prefix_that_all_keys_but_a_heads_share_is_cut_off(trained: State, load: Callable[..., str]) -> None:
    head = {"module.layer.weight": torch.zeros(9, 4), "loss.scale": torch.ones(1)}
    into = network()
    told = load(into, {"state_dict": under("module.net.", trained) | head})
    assert told == (
        "x.pth: cut 'module.net.' off its keys; left out 2 keys that the network does not have "
        "(module.layer.weight, loss.scale)"
    )
    expect(into, trained)


@pytest.mark.parametrize("entry", ["state_dict_ema", "weights", "params", "generator"])
def test_the_weights_are_found_under_any_entry(entry: str, trained: State, load: Callable[..., str]) -> None:
    checkpoint = {
        entry: trained,
        "optimizer": {"state": {0: {"step": torch.ones(1), "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]},
        "statistics": {"loss": torch.ones(3)},
    }
    into = network()
    assert load(into, checkpoint) == f"x.pth: took {entry!r}"
    expect(into, trained)


def test_they_are_found_in_lists_and_in_mappings_of_other_classes(trained: State, load: Callable[..., str]) -> None:
    into = network()
    load(into, (3, {"inner": [OrderedDict(trained)]}))
    expect(into, trained)
    load(into, defaultdict(dict, {"model": other(trained)}))
    expect(into, other(trained))


def test_what_profilers_leave_is_left_out_and_missing_counters_stay(trained: State, load: Callable[..., str]) -> None:
    profiled = {key: torch.zeros(1) for key in ("total_ops", "total_params", "stem.total_ops", "layer1.0.total_params")}
    without = {key: value for key, value in trained.items() if not key.endswith("num_batches_tracked")}
    into = network()
    assert "left out 4 keys that the network does not have (total_ops," in load(into, without | profiled)
    expect(into, without)
    assert load(into, other(without)) == ""
    expect(into, other(without))


@pytest.mark.parametrize("wrapped", ["layer1._orig_mod.", "layer1.module.", "layer1._checkpoint_wrapped_module."])
def test_wrappers_of_parts_are_taken_out(wrapped: str, trained: State, load: Callable[..., str]) -> None:
    into = network()
    told = load(into, {key.replace("layer1.", wrapped): value for key, value in trained.items()})
    assert told == "x.pth: took the names of wrappers out of its keys"
    expect(into, trained)


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
    ("checkpoint", "told"),
    [
        (lambda one, two: {"state_dict": one, "state_dict_ema": two}, "took 'state_dict', not 'state_dict_ema'"),
        (lambda one, two: {"model_ema": two, "net": one}, "took 'net', not 'model_ema'"),
        (lambda one, two: {"model": two, "state_dict": one}, "took 'state_dict', not 'model'"),
        (lambda one, two: under("ema.", two) | under("net.", one), "took 'net', not 'ema'; cut 'net.' off its keys"),
    ],
)
def test_plain_weights_are_taken_and_the_averaged_ones_beside_them_told(
    checkpoint: Callable[[State, State], State], told: str, trained: State, load: Callable[..., str]
) -> None:
    into = network()
    assert load(into, checkpoint(trained, other(trained))).startswith(f"x.pth: {told}")
    expect(into, trained)


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


def test_the_same_weights_twice_are_one_network(trained: State, load: Callable[..., str]) -> None:
    into = network()
    load(into, under("model.", trained) | under("alias.", {key: value.clone() for key, value in trained.items()}))
    expect(into, trained)


def test_an_entry_or_prefix_that_is_not_there_is_told_and_the_content_counts(
    trained: State, load: Callable[..., str]
) -> None:
    into = network()
    assert load(into, {"model": trained}, key="ema") == "x.pth has no entry 'ema'; it has: model"
    expect(into, trained)
    assert load(into, other(trained), prefix="net.") == "no key of x.pth starts with 'net.'"
    expect(into, other(trained))


def test_a_chosen_entry_counts_alone(trained: State, load: Callable[..., str]) -> None:
    into = network()
    assert load(into, {"state_dict": trained, "ema": other(trained)}, key="ema") == ""
    expect(into, other(trained))


def test_a_head_beside_the_network_is_left_out_where_the_expected_prefix_is_not_there(
    trained: State, load: Callable[..., str]
) -> None:
    into = network()
    told = load(into, under("module.", trained) | {"module.margin.weight": torch.rand(9, 4)}, prefix="model.")
    expect(into, trained)
    assert "no key of" in told
    assert "left out 1 key that the network does not have (module.margin.weight)" in told


def test_a_prefix_that_is_there_counts_behind_that_of_a_wrapper(trained: State, load: Callable[..., str]) -> None:
    into = network()
    assert load(into, under("module.net.", trained), prefix="net.") == "x.pth: cut 'module.' off its keys"
    expect(into, trained)


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
