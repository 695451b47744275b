"""`froq weights`, and weights by reference."""

import hashlib
import sys
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest
from hub_server import Hub

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.cli import main
from froq_lightning.extensions import BACKBONES, WEIGHTS, discover, load_all

PUBLISHED = """\
from froq_lightning.backbones.published import PublishedWeights

SMALL = PublishedWeights("mobilefacenet", "{url}/net.ckpt", "https://example.org/net", "MIT", "{sha256}", "4.1 MB")
OPEN = PublishedWeights("mobilefacenet", "hf://me/net/net.ckpt", "https://example.org/net", options={{"depth": 5}})
DRIVE = PublishedWeights("mobilefacenet", "https://drive.example.org/view", "https://example.org/net", by_hand=True)
"""


@pytest.fixture
def content(shared: Path, hub: Hub) -> bytes:
    """Real weights, which the hub has."""
    content = (shared / "data" / "weights" / "mobilefacenet_casia.ckpt").read_bytes()
    hub.files |= {"/net.ckpt": content, "/me/net/net.ckpt": content}
    return content


@pytest.fixture
def published(
    hub: Hub, content: bytes, on_path: Path, install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that names published weights."""
    monkeypatch.delitem(sys.modules, "froq_published", raising=False)
    entries = "\n".join(f"{name} = froq_published:{name.upper()}" for name in ("small", "open", "drive"))
    install("froq-published", entries, group=WEIGHTS)
    digest = hashlib.sha256(content).hexdigest()
    (on_path / "froq_published.py").write_text(PUBLISHED.format(url=hub.url, sha256=digest))


@pytest.mark.usefixtures("published")
def test_list_names_them_and_fetches_nothing(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert rows["small"].split()[1:5] == ["mobilefacenet", "4.1", "MB", "MIT"]
    assert "hf://me/net/net.ckpt" in rows["open"]
    assert not hub.requests


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", ["small", "open"])
def test_fetch_tells_what_comes_and_how_it_is_used(
    name: str, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights", "fetch", name]) == 0
    lines = capsys.readouterr().out.splitlines()
    digest = hashlib.sha256(content).hexdigest() if name == "small" else "not stated"
    licence = "MIT" if name == "small" else "not stated"
    assert lines[1].strip() == f"size 4.1 MB, SHA-256 {digest}"
    assert lines[2].strip() == f"licence {licence}, as stated by https://example.org/net"
    assert Path(lines[3]).read_bytes() == content
    options = "" if name == "small" else " --model.backbone_options.depth 5"
    assert lines[4].strip() == (f"--model.backbone mobilefacenet --model.backbone_options.weights {lines[3]}{options}")


@pytest.mark.usefixtures("published")
def test_other_bytes_and_what_must_be_fetched_by_hand_are_refused(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.files["/net.ckpt"] = hub.files["/net.ckpt"][:-1] + b"x"
    assert main(["weights", "fetch", "small"]) == 2
    assert "which is stated; it is not used" in capsys.readouterr().err
    assert main(["weights", "fetch", "drive"]) == 2
    assert "https://drive.example.org/view is a page: fetch the file there by hand" in capsys.readouterr().err
    assert main(["weights", "fetch", "smal"]) == 2
    assert "unknown weight 'smal'; nearest: small" in capsys.readouterr().err


@pytest.mark.parametrize("scheme", ["hf", "http"])
def test_a_backbone_takes_weights_by_reference(scheme: str, hub: Hub, content: bytes) -> None:
    pytest.importorskip("froq_mobilefacenet", reason="needs the plugin froq-mobilefacenet")
    reference = "hf://me/net/net.ckpt" if scheme == "hf" else f"{hub.url}/net.ckpt"
    backbone = create_backbone("mobilefacenet", weights=reference)
    assert backbone.weights.source == "net.ckpt"
    assert backbone.weights.sha256 == hashlib.sha256(content).hexdigest()


def test_all_that_plugins_name_is_for_a_backbone_that_there_is() -> None:
    published, backbones = load_all(WEIGHTS), discover(BACKBONES).plugins
    assert {weights.backbone for weights in published.values()} <= set(backbones)
    assert all(
        weights.options.keys() <= signature(backbones[weights.backbone].load()).parameters.keys()
        for weights in published.values()
    )
