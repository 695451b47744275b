"""Which file could not be fetched, and where it is to be put."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from froq_lightning.errors import DownloadError

_ADDRESS = re.compile(r"https?://[^\s'\"]+?(?=[:,.]?(?:['\"\s]|\Z))")
# https://huggingface.co/owner/name/resolve/revision/file
_HUB_FILE = re.compile(r"https?://[^/]+/(?P<repository>[^/]+/[^/]+)/resolve/[^/]+/(?P<file>.+)")


def named_failure(download: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `torch.hub.download_url_to_file` so that a failure names the address and the place of the file."""

    def fetch(url: str, dst: str, *args: Any, **options: Any) -> Any:
        from huggingface_hub import constants  # noqa: PLC0415 - takes a second

        manual = f"fetch it elsewhere, and put it at {dst}"
        if constants.HF_HUB_OFFLINE:
            raise DownloadError(f"{url} is not here, and HF_HUB_OFFLINE forbids to fetch it; {manual}")
        try:
            return download(url, dst, *args, **options)
        except Exception as error:  # of the network, the disk; of a wrong hash
            reason = f"{type(error).__name__}: {error}"
            raise DownloadError(f"{url} could not be fetched: {reason}; {manual}") from error

    return fetch


def missing_file(error: BaseException) -> str | None:
    """Say which file of the hub an error is about, and how to bring it; None if it is about none."""
    from huggingface_hub import constants  # noqa: PLC0415 - takes a second

    bring = f"and bring the cache of the hub here, to {constants.HF_HUB_CACHE}"
    if address := next(_addresses(error), None):
        # timm asks for this name last, where the first one is missing.
        address = address.replace("/pytorch_model.bin", "/model.safetensors")
        file = _HUB_FILE.fullmatch(address)
        command = f"run `hf download {file['repository']} {file['file']}`" if file else f"fetch {address}"
        return f"{address} could not be fetched; where it can be reached, {command}, {bring}"
    if isinstance(error, OSError):  # transformers names the repository, if anything
        reason = str(error).strip().partition("\n")[0]
        return f"{reason}; where the hub can be reached, run the same command, {bring}"
    return None


def _addresses(error: BaseException | None) -> Iterator[str]:
    """Yield the addresses of files that an error and its causes name, the first cause first."""
    if error is None:
        return
    yield from _addresses(error.__cause__ or error.__context__)
    request = getattr(error, "request", None)
    text = f"{getattr(request, 'url', '')} {error}"
    yield from (found for found in _ADDRESS.findall(text) if "/resolve/" in found)
