"""Downloads from the hub and the web: once, resumed where they broke off, and checked."""

import hashlib
import os
import resource
from pathlib import Path

import pytest
from hub_server import Hub

from froq_lightning.downloads import fetch, web_place
from froq_lightning.errors import ConfigurationError, DownloadError

CONTENT = os.urandom(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def test_a_web_file_is_fetched_once_into_a_place_of_its_own(hub: Hub) -> None:
    hub.files |= {"/a/net.pt": CONTENT, "/b/net.pt": b"another"}
    first, other = fetch(f"{hub.url}/a/net.pt"), fetch(f"{hub.url}/b/net.pt")
    assert first == web_place(f"{hub.url}/a/net.pt")
    assert (first.read_bytes(), other.read_bytes()) == (CONTENT, b"another")
    count = len(hub.requests)
    assert fetch(f"{hub.url}/a/net.pt", sha256=DIGEST) == first
    assert len(hub.requests) == count
    assert web_place(f"{hub.url}/get?id=1") != web_place(f"{hub.url}/get?id=2")


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_broke_off_goes_on(ranges: bool, hub: Hub) -> None:
    hub.files["/net.pt"] = CONTENT
    part = web_place(f"{hub.url}/net.pt").with_name("net.pt.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(CONTENT[:100_000])
    hub.ranges = ranges
    assert fetch(f"{hub.url}/net.pt").read_bytes() == CONTENT
    assert hub.requests[0][2] == "bytes=100000-"
    assert not part.exists()


def test_a_hub_file_is_found_by_name_or_as_the_first_that_a_repository_has(hub: Hub) -> None:
    hub.files |= {"/me/net/sub/w.pt": CONTENT, "/me/net/pytorch_model.bin": b"second"}
    assert fetch("hf://me/net/sub/w.pt", sha256=DIGEST).read_bytes() == CONTENT
    assert fetch("hf://me/net@main", ("model.safetensors", "pytorch_model.bin")).read_bytes() == b"second"
    with pytest.raises(DownloadError, match=r"the repository me/net has no file w\.pt; give hf://me/net/FILE"):
        fetch("hf://me/net/w.pt")


@pytest.mark.parametrize("scheme", ["hf", "http"])
def test_a_file_with_another_hash_than_stated_is_refused_and_kept(scheme: str, hub: Hub) -> None:
    hub.files |= {"/me/net/w.pt": CONTENT, "/w.pt": CONTENT}
    reference = "hf://me/net/w.pt" if scheme == "hf" else f"{hub.url}/w.pt"
    with pytest.raises(DownloadError, match=f"has SHA-256 {DIGEST}, not {'0' * 64}, which is stated; it is not used"):
        fetch(reference, sha256="0" * 64)
    count = len(hub.requests)
    assert fetch(reference).read_bytes() == CONTENT
    assert "GET" not in [method for method, _, _ in hub.requests[count:]]


@pytest.mark.parametrize("scheme", ["hf", "http"])
def test_without_a_stated_hash_later_downloads_must_be_the_first_one(scheme: str, hub: Hub, tmp_path: Path) -> None:
    hub.files |= {"/me/net/w.pt": CONTENT, "/w.pt": CONTENT}
    reference = "hf://me/net/w.pt" if scheme == "hf" else f"{hub.url}/w.pt"
    path = fetch(reference)
    hub.files |= {"/me/net/w.pt": b"changed", "/w.pt": b"changed"}
    hub.commit = "2" * 40
    if scheme == "http":
        path.unlink()
    with pytest.raises(
        DownloadError, match=rf"not {DIGEST}, which it had at its first download; .* delete .*\.sha256 to accept"
    ):
        fetch(reference)
    (record,) = (tmp_path / "cache" / "assets").rglob("*.sha256")
    record.unlink()
    assert fetch(reference).read_bytes() == b"changed"


def test_a_file_that_was_brought_by_hand_is_taken_and_checked(hub: Hub) -> None:
    place = web_place(f"{hub.url}/w.pt")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(CONTENT)
    assert fetch(f"{hub.url}/w.pt", sha256=DIGEST) == place
    assert not hub.requests


def test_a_server_that_is_away_is_told_in_a_line_with_the_place_to_put_the_file(hub: Hub) -> None:
    address = f"{hub.url}/missing.pt"
    with pytest.raises(DownloadError) as raised:
        fetch(address)
    assert str(raised.value).startswith(f"{address} could not be fetched: ")
    assert str(raised.value).endswith(f"fetch it elsewhere, and put it at {web_place(address)}")
    assert "\n" not in str(raised.value)


def test_a_full_disk_is_told_and_what_came_is_gone_on_with(hub: Hub) -> None:
    hub.files["/w.pt"] = CONTENT
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(DownloadError, match="File too large"):
            fetch(f"{hub.url}/w.pt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert fetch(f"{hub.url}/w.pt", sha256=DIGEST).read_bytes() == CONTENT


@pytest.mark.parametrize("reference", ["hf://", "hf://net", "ftp://host/w.pt", "https://host/", "w.pt"])
def test_what_names_no_file_is_refused(reference: str) -> None:
    with pytest.raises(ConfigurationError, match="Expected"):
        fetch(reference, ("w.pt",))
