"""Files from the Hugging Face hub and from web addresses, in the hub's usual cache, checked by their hashes.

A reference is `hf://owner/name[@revision][/file]` or an address that begins with `https://` or `http://`. Only
what somebody names is downloaded, and once. Where no hash is stated, that of the first download is kept beside the file
or, for the hub, in its cache of assets; later ones must have it too.
"""

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from froq_lightning.errors import ConfigurationError, DownloadError

HUB = "hf://"
WEB = ("https://", "http://")


@dataclass(frozen=True)
class HubFile:
    """A file of the hub: its repository, perhaps a revision, and its path in there, empty if none was named."""

    repository: str
    revision: str
    path: str

    @classmethod
    def parse(cls, reference: str) -> Self:
        """Take `hf://owner/name[@revision][/path]` apart.

        Raises:
            ConfigurationError: if it is none.
        """
        owner, _, rest = reference.removeprefix(HUB).partition("/")
        name, _, path = rest.partition("/")
        name, _, revision = name.partition("@")
        if not owner or not name:
            raise ConfigurationError(f"Expected hf://owner/name[@revision][/file], but got {reference!r}")
        return cls(f"{owner}/{name}", revision, path)


def is_remote(reference: object) -> bool:
    """Whether something is a reference to a file elsewhere."""
    return isinstance(reference, str) and reference.startswith((HUB, *WEB))


def fetch(reference: str, names: tuple[str, ...] = (), *, sha256: str = "") -> Path:
    """Return the local file of a reference; download it if it is missing, and resume a download that broke off.

    Args:
        reference: of the hub, or an address.
        names: of the files to look for in a repository of the hub, if the reference names none; the first one counts.
        sha256: of the file, lower-case hex, if a public source states it.

    Raises:
        ConfigurationError: if it is no reference, or names no file.
        DownloadError: if it cannot be fetched, saying how else to bring it here; or if its hash is another one.
    """
    if reference.startswith(HUB):
        path, record = _from_hub(HubFile.parse(reference), names)
    elif reference.startswith(WEB):
        path = web_place(reference)
        record = path.with_name(f"{path.name}.sha256")
        if not path.is_file():
            _download(reference, path)
    else:
        raise ConfigurationError(
            f"Expected a reference that begins with {', '.join((HUB, *WEB))}, but got {reference!r}"
        )
    _check(reference, path, record, sha256)
    return path


def remote_size(reference: str, names: tuple[str, ...] = ()) -> int | None:
    """Ask the server for the size of a file in bytes, without fetching it; None if it gives none.

    Args:
        reference: as for `fetch`.
        names: as for `fetch`.
    """
    from huggingface_hub import hf_hub_url  # noqa: PLC0415 - takes a second

    addresses = [reference]
    if reference.startswith(HUB):
        file = HubFile.parse(reference)
        paths = (file.path,) if file.path else names
        addresses = [hf_hub_url(file.repository, path, revision=file.revision or None) for path in paths]
    for address in addresses:
        asked = Request(address, method="HEAD")  # noqa: S310 - a web address
        with suppress(OSError, TypeError), urlopen(asked, timeout=10) as answer:  # noqa: S310
            return int(answer.headers["Content-Length"])
    return None


def web_place(address: str) -> Path:
    """Return where the file of a web address is kept; one that was brought there by hand is taken."""
    parts = urlsplit(address)
    folders = [part for part in parts.path.split("/") if part not in ("", ".", "..")]
    if not folders:
        raise ConfigurationError(f"Expected the address of a file, but got {address!r}")
    if parts.query:
        folders[-1] += f"_{quote(parts.query, safe='=')}"
    return _assets(parts.netloc).joinpath(*folders)


def _assets(host: str) -> Path:
    """Return the folder for files of a host in the cache that the hub's library keeps for other libraries."""
    from huggingface_hub import cached_assets_path, constants  # noqa: PLC0415 - takes a second

    return cached_assets_path("froq_lightning", "weights", host, assets_dir=constants.HF_ASSETS_CACHE)


def _from_hub(file: HubFile, names: tuple[str, ...]) -> tuple[Path, Path]:
    """Fetch a file of the hub; return its path, and where its hash is kept."""
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - takes a second
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError  # noqa: PLC0415

    for name in (file.path,) if file.path else names:
        try:
            with _quiet():
                path = Path(hf_hub_download(file.repository, name, revision=file.revision or None))
        except Exception as error:  # of the network, the hub, the disk
            if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
                continue
            manual = f"where the hub can be reached, run `hf download {file.repository} {name}`, and give the file"
            raise DownloadError(
                f"{HUB}{file.repository}/{name} could not be fetched: {_reason(error)}; {manual}"
            ) from error
        folder = _assets("hub") / file.repository / (file.revision or "main")
        return path, folder / f"{name}.sha256"
    wanted = file.path or " or ".join(names)
    raise DownloadError(f"the repository {file.repository} has no file {wanted}; give hf://{file.repository}/FILE")


def _download(address: str, path: Path) -> None:
    from huggingface_hub.file_download import http_get  # noqa: PLC0415 - takes a second

    part = path.with_name(f"{path.name}.part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file, _quiet():
            http_get(address, file, resume_size=file.tell())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except Exception as error:  # of the network, the server, the disk
        raise DownloadError(
            f"{address} could not be fetched: {_reason(error)}; fetch it elsewhere, and put it at {path}"
        ) from error


def _check(reference: str, path: Path, record: Path, sha256: str) -> None:
    """Compare the hash of a file with the one that is stated, or else with that of the first download."""
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    first = record.read_text(encoding="utf-8").split()[0] if record.is_file() else ""
    expected, origin = (sha256, "is stated") if sha256 else (first, "it had at its first download")
    if expected and digest != expected:
        # Nothing is deleted: the file may have been brought by hand, and others use the hub's cache.
        accept = "" if sha256 else f", or delete {record} to accept this one"
        raise DownloadError(
            f"{reference} has SHA-256 {digest}, not {expected}, which {origin}; it is not used. Delete {path} to fetch "
            f"it again{accept}"
        )
    if not first:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(f"{digest}  {path.name}\n", encoding="utf-8")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the hub's library from logging each of its attempts; the last one is raised."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
