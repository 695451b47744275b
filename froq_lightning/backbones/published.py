"""The contract of published weights: where the authors of a network publish a checkpoint, and what is known of it."""

import re
from dataclasses import dataclass, field
from typing import Any

from froq_lightning.downloads import is_remote
from froq_lightning.errors import ConfigurationError


@dataclass(frozen=True)
class PublishedWeights:
    """A checkpoint that a backbone can load, registered by name in the entry-point group "froq_lightning.weights".

    What is written down here is what a public source states. Where no source states a hash or a size, there is none.

    Args:
        backbone: registered name of the backbone.
        address: of the file, `hf://owner/name[@revision][/file]` or `https://…`; of a page, if it is fetched by hand.
        source: address of the page that states this.
        licence: of the weights, as the source states it; "not stated" if it does not.
        sha256: of the file, lower-case hex; empty if no source states it.
        size: of the file, as the source states it; "not stated" if it does not.
        options: of the backbone that these weights need.
        by_hand: whether a person must fetch the file from a page, such as one of Google Drive.

    Raises:
        ConfigurationError: if the address or the hash is none.
    """

    backbone: str
    address: str
    source: str
    licence: str = "not stated"
    sha256: str = ""
    size: str = "not stated"
    options: dict[str, Any] = field(default_factory=dict)
    by_hand: bool = False

    def __post_init__(self) -> None:
        if not is_remote(self.address) or not is_remote(self.source):
            raise ConfigurationError(f"Expected references to files, but got {self.address!r} and {self.source!r}")
        if self.sha256 and not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ConfigurationError(f"Expected a SHA-256 of 64 hex digits, but got {self.sha256!r}")
