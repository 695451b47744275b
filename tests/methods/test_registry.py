"""How methods and labellers are built by name, the built-in ones and those of other distributions."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import ConfigurationError, ExtensionError, UnknownNameError
from froq_lightning.extensions import METHODS
from froq_lightning.methods.auto_labels import AutoLabels
from froq_lightning.methods.mated_similarity import MatedSimilarity
from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.methods.registry import create_labeller, create_method, create_methods
from froq_lightning.methods.ser_fiq import SerFiq


@pytest.fixture
def _broken(install: Callable[..., Path], on_path: Path) -> None:
    """Installs a distribution with a method that cannot be imported, and what is no method."""
    install("froq_broken", "broken = froq_broken:Broken\nnone = os:path", group=METHODS)
    (on_path / "froq_broken.py").write_text("import nowhere")


def test_a_method_is_built_with_its_options() -> None:
    assert create_method("perturbation") == create_method({"method": "perturbation"}) == PerturbationQuality()
    built = create_method({"method": "ser_fiq", "passes": 5, "rate": 0.25, "scaled": True})
    assert built.parameters() == {"passes": 5, "seed": 0, "rate": 0.25, "scaled": True}
    assert create_method({"method": "ser_fiq", "rate": None}) == SerFiq()
    assert create_method({"method": "perturbation", "alpha": 1}).parameters()["alpha"] == 1.0


def test_methods_go_by_their_label_or_by_name_and_options() -> None:
    specs = ["flip", {"method": "ser_fiq", "rate": 0.5}, {"method": "flip", "label": "mirror"}]
    assert list(create_methods(specs)) == ["flip", "ser_fiq (rate=0.5)", "mirror"]
    for wrong, message in (
        (["flip", "flip"], "but got flip twice; give one a `label`"),
        ([{"method": "flip", "label": 3}], "Expected `label` to be text, but got 3"),
        ([], "Expected at least one quality method, but got none"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            create_methods(wrong)


@pytest.mark.usefixtures("_broken")
def test_what_is_no_method_is_refused_with_its_distribution() -> None:
    with pytest.raises(ExtensionError, match=r"'broken' of froq-broken cannot be imported: .*nowhere"):
        create_method("broken")
    with pytest.raises(ExtensionError, match="Expected 'none' of froq-broken to be a subclass of QualityMethod or"):
        create_method("none")


@pytest.mark.usefixtures("_broken")
def test_all_are_those_that_score_single_images_and_can_be_imported(caplog: pytest.LogCaptureFixture) -> None:
    observers: list[str | None] = []

    def read(path: str | None) -> Observer:
        observers.append(path)
        return Observer.__new__(Observer)

    with caplog.at_level(logging.WARNING):
        methods = create_methods("all", read)
    assert {"froq", "flip", "random"} <= set(methods)
    assert not {"mated", "auto", "broken", "none"} & set(methods)
    assert observers == [None]
    assert "`all` leaves a method out: 'broken' of froq-broken cannot be imported" in caplog.text


def test_an_observer_is_read_from_the_path_that_is_given(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Expected `observer`, the path of an Observer file, but got none"):
        create_method("froq")
    with pytest.raises(FileNotFoundError, match="observer file 'nowhere' does not exist"):
        create_method({"observer": "nowhere"})
    with pytest.raises(ConfigurationError, match=r"Expected `observer` of froq to be str \| None, but got 3"):
        create_method({"method": "froq", "observer": 3})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"method": "serfiq"}, "unknown quality method 'serfiq'; nearest: ser_fiq"),
        ({"method": "frog"}, "unknown quality method 'frog'; nearest: froq"),
        (
            {"method": "x"},
            "there is: attn_fiqa, auto, embedding_norm, face_qan, flip, froq, grafiqs, mated, network_quality",
        ),
        ({"method": "ser_fiq", "pases": 3}, "unknown option of ser_fiq 'pases'; nearest: passes"),
        ({"method": "embedding_norm", "seed": 3}, "unknown option of embedding_norm 'seed'; there is: none"),
        ({"method": "ser_fiq", 3: 3}, "unknown option of ser_fiq '3'; there is: micro_batch, passes"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(spec: dict[Any, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        create_method(spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"method": ["random"]}, r"Expected `method` to be the name of a quality method, but got \['random'\]"),
        ({"method": "mated"}, "scores images one by one, but got mated, which labels a whole .*; give it as model.lab"),
        ({"method": "perturbation", "noise": "3"}, "Expected `noise` of perturbation to be int, but got '3'"),
        ({"method": "perturbation", "noise": True}, "Expected `noise` of perturbation to be int, but got True"),
        ({"method": "perturbation", "noise_masks": 3}, r"`noise_masks` of perturbation to be str \| None, but got 3"),
        ({"method": "ser_fiq", "rate": "0.5"}, r"Expected `rate` of ser_fiq to be float \| None, but got '0\.5'"),
        ({"method": "face_qan", "epsilon": float("nan")}, "Expected `epsilon` of face_qan to be float, but got nan"),
        (
            {"method": "prefiqs", "per": "block"},
            "Expected `per` of prefiqs to be layer or network, but got 'block'",
        ),
    ],
)
def test_wrong_values_are_refused_in_one_sentence(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        create_method(spec)
    assert "\n" not in str(caught.value)


def test_a_labeller_is_any_method_or_labels_a_whole_set() -> None:
    assert create_labeller("mated") == ("mated", MatedSimilarity())
    assert create_labeller({"method": "auto"}) == ("auto", AutoLabels())
    assert create_labeller({"noise": 3}) == ("perturbation", PerturbationQuality(noise=3))
    with pytest.raises(UnknownNameError, match="unknown quality method 'matd'; nearest: mated"):
        create_labeller("matd")
    with pytest.raises(UnknownNameError, match="unknown option of mated 'rate'"):
        create_labeller({"method": "mated", "rate": 3})
