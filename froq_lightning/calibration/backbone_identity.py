"""Which network an Observer was made for, and how another one differs from it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo


@dataclass(frozen=True)
class BackboneIdentity:
    """How a backbone was built, and with which weights.

    Args:
        name: that it is registered under.
        options: that it was built with, but for the path of its weights.
        distribution: that registered it.
        version: of the distribution.
        weights: source, SHA-256 and licence.
        preprocessing: of the images.
    """

    name: str
    options: dict[str, Any]
    distribution: str
    version: str
    weights: WeightsInfo
    preprocessing: Preprocessing

    @classmethod
    def of(cls, backbone: Backbone, name: str, options: Mapping[str, Any], distribution: str, version: str) -> Self:
        """Describe a backbone that was built from a name and options."""
        stored = {key: value for key, value in sorted(options.items()) if key != "weights"}
        plain = json.loads(json.dumps(stored))  # tuples become the lists that the file will hold
        return cls(name, plain, distribution, version, backbone.weights, backbone.preprocessing)

    def title(self) -> str:
        """Name the network in a headline: its name, and the options that it was built with."""
        options = ", ".join(f"{option}={value}" for option, value in self.options.items())
        return f"{self.name} ({options})" if options else self.name

    def differences(self, other: "BackboneIdentity") -> list[str]:
        """Return what differs in another backbone of the same name, a phrase each; nothing if an Observer fits both."""
        compared = {
            "options": (self.options, other.options),
            "weights": (f"sha256 {self.weights.sha256[:12]}", f"sha256 {other.weights.sha256[:12]}"),
            "preprocessing": (asdict(self.preprocessing), asdict(other.preprocessing)),
        }
        return [f"{what} {difference(*pair)}" for what, pair in compared.items() if pair[0] != pair[1]]


def difference(made: object, here: object) -> str:
    """Say how two values, mappings or lists differ, of which the first stands in an Observer."""
    if isinstance(made, dict) and isinstance(here, dict):
        keys = [key for key in {**made, **here} if made.get(key) != here.get(key)]
        return ", ".join(f"{key} {made.get(key)!r} there, {here.get(key)!r} here" for key in keys)
    if isinstance(made, list) and isinstance(here, list):
        only_there, only_here = sorted(set(made) - set(here)), sorted(set(here) - set(made))
        return f"{only_there[:3]} only there, {only_here[:3]} only here"
    return f"{made} there, {here} here"
