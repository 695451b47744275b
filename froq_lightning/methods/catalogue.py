"""The quality methods by the names that configurations give them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from froq_lightning.calibration.decoding import decode
from froq_lightning.errors import ConfigurationError, UnknownNameError
from froq_lightning.methods.auto_labels import AutoLabels
from froq_lightning.methods.embedding_norm import EmbeddingNorm
from froq_lightning.methods.face_qan import FaceQan
from froq_lightning.methods.flip import FlipQuality
from froq_lightning.methods.grafiqs import GraFIQs
from froq_lightning.methods.mated_similarity import MatedSimilarity
from froq_lightning.methods.network_quality import NetworkQuality
from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.methods.prefiqs import PreFIQs
from froq_lightning.methods.pseudo_mated_similarity import PseudoMatedSimilarity
from froq_lightning.methods.quality_method import QualityMethod, SetLabeller
from froq_lightning.methods.random_quality import RandomQuality
from froq_lightning.methods.ser_fiq import SerFiq

# Not in the catalogue: it needs an Observer.
FROQ = "froq"
METHODS: dict[str, type[Any]] = {
    "perturbation": PerturbationQuality,
    "flip": FlipQuality,
    "embedding_norm": EmbeddingNorm,
    "network_quality": NetworkQuality,
    "ser_fiq": SerFiq,
    "face_qan": FaceQan,
    "grafiqs": GraFIQs,
    "prefiqs": PreFIQs,
    "random": RandomQuality,
}
# They label calibration sets alone.
SET_LABELLERS: dict[str, type[Any]] = {
    "auto": AutoLabels,
    "mated": MatedSimilarity,
    "pseudo_mated": PseudoMatedSimilarity,
}


def create_method(spec: Mapping[str, Any]) -> QualityMethod:
    """Build a method of the catalogue from `{"method": name, option: value, …}`.

    Raises:
        UnknownNameError: for a method, or an option of it, that does not exist.
        ConfigurationError: for a value of another type or out of its range, and for `froq`, which options alone do not
            make.
    """
    options = dict(spec)
    name = options.pop("method", None)
    if not isinstance(name, str):
        raise ConfigurationError(f"Expected `method` to be the name of a quality method, but got {name!r}")
    if name == FROQ:
        raise ConfigurationError("Expected a method that options alone make, but got froq; build it from an Observer")
    if name in SET_LABELLERS:
        raise ConfigurationError(
            f"Expected a method that scores images one by one, but got {name}, which labels a whole calibration set; "
            "give it as model.labeller of `froq validate`"
        )
    if name not in METHODS:
        raise UnknownNameError.among("quality method", name, (*METHODS, FROQ))
    return _built(METHODS[name], name, options)


def create_labeller(spec: Mapping[str, Any]) -> QualityMethod | SetLabeller:
    """Build a method of the catalogue, or what labels a whole set, from `{"method": name, option: value, …}`.

    Raises:
        UnknownNameError: as `create_method`.
        ConfigurationError: as `create_method`.
    """
    options = dict(spec)
    name = options.pop("method", None)
    if name in SET_LABELLERS:
        return _built(SET_LABELLERS[name], name, options)
    if isinstance(name, str) and name not in (*METHODS, FROQ):
        raise UnknownNameError.among("quality method", name, (*METHODS, FROQ, *SET_LABELLERS))
    return create_method(spec)


def _built(made: type[Any], name: str, options: Mapping[str, Any]) -> Any:
    return made(**{option: _checked(made, name, option, value) for option, value in options.items()})


def _checked(made: type[Any], method: str, option: str, value: Any) -> Any:
    """Return an option's value in the type of its field, or refuse it."""
    known = [field.name for field in fields(made)]
    if option not in known:
        raise UnknownNameError.among(f"option of {method}", str(option), known)
    kind = get_type_hints(made)[option]
    try:
        return decode(kind, value, option)
    except ValueError as error:
        raise ConfigurationError(f"Expected `{option}` of {method} to be {_wanted(kind)}, but got {value!r}") from error


def _wanted(kind: Any) -> str:
    """Name the type of an option, or the values that it may have."""
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    return kind.__name__ if isinstance(kind, type) else str(kind)
