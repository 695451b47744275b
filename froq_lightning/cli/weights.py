"""`froq weights list | fetch`: the checkpoints that the authors of networks publish."""

from froq_lightning.backbones.published import PublishedWeights
from froq_lightning.backbones.weights.files import HUB_FILES
from froq_lightning.downloads import fetch, remote_size
from froq_lightning.errors import DownloadError, ExtensionError
from froq_lightning.extensions import WEIGHTS, find, load_all
from froq_lightning.terminal import Table, show


def run_list() -> None:
    """Print which published weights the installed plugins name; fetches nothing."""
    rows = [
        [name, weights.backbone, weights.size, weights.licence, weights.address]
        for name, weights in sorted(load_all(WEIGHTS).items())
    ]
    show(Table(["weights", "backbone", "size", "licence", "address"], rows or [["none", "", "", "", ""]]))
    show("`froq weights fetch NAME` downloads one; a licence is that of the weights, as their authors state it")


def run_fetch(name: str) -> None:
    """Say what is fetched, fetch it, and print how it is used.

    Raises:
        UnknownNameError: if no plugin names such weights.
        DownloadError: if they cannot be fetched, or are not those that are stated.
    """
    weights = find(WEIGHTS, name).load()
    if not isinstance(weights, PublishedWeights):
        raise ExtensionError(f"Expected {name!r} to be PublishedWeights, but got {type(weights).__name__}")
    size = None if weights.by_hand else remote_size(weights.address, HUB_FILES)
    show(f"{name}: {weights.address}")
    show(f"  size {f'{size / 1e6:.1f} MB' if size else weights.size}, SHA-256 {weights.sha256 or 'not stated'}")
    show(f"  licence {weights.licence}, as stated by {weights.source}")
    if weights.by_hand:
        raise DownloadError(f"{weights.address} is a page: fetch the file there by hand, and give it as weights")
    path = fetch(weights.address, HUB_FILES, sha256=weights.sha256)
    options = "".join(f" --model.backbone_options.{key} {value}" for key, value in weights.options.items())
    show(f"{path}\n  --model.backbone {weights.backbone} --model.backbone_options.weights {path}{options}")
