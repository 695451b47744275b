"""A small web server with what the library of the Hugging Face hub asks of the hub, and with plain files."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


class Hub(ThreadingHTTPServer):
    """Serves files by "/path"; those of repositories by "/owner/name/file", which commits add to.

    Attributes:
        files: contents by path.
        requests: method, path and Range header of each request.
        cut: how many bytes of each answer are sent before the connection is closed; 0 for all.
        commit: of all repositories.
        ranges: whether parts of files are sent where they are asked for.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.cut = 0
        self.ranges = True
        self.commit = "1" * 40

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *args: Any) -> None:
        """Print nothing."""

    def do_HEAD(self) -> None:
        self._send_file(body=False)

    def do_GET(self) -> None:
        self._send_file(body=True)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(("POST", self.path, None))
        answer: Any = {"url": self.server.url}
        if "/preupload/" in self.path:
            names = [file["path"] for file in json.loads(content)["files"]]
            answer = {"files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]}
        if "/commit/" in self.path:
            repository = self.path.split("/api/models/")[1].split("/commit/")[0]
            for line in map(json.loads, content.splitlines()):
                if line["key"] == "file":
                    file = line["value"]
                    self.server.files[f"/{repository}/{file['path']}"] = base64.b64decode(file["content"])
            answer = {
                "commitUrl": f"{self.server.url}/{repository}/commit/{self.server.commit}",
                "commitOid": self.server.commit,
            }
        if self.path.endswith("/repos/create"):
            stated = json.loads(content)
            answer = {"url": f"{self.server.url}/{stated.get('organization', 'me')}/{stated['name']}"}
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _send_file(self, *, body: bool) -> None:
        wanted = self.headers.get("Range")
        self.server.requests.append((self.command, self.path, wanted))
        path, found = self.path.partition("?")[0], None
        if "/resolve/" in path:
            repository, _, rest = path.partition("/resolve/")
            path = f"{repository}/{rest.partition('/')[2]}"
            found = {"X-Repo-Commit": self.server.commit}
        content = self.server.files.get(path)
        if content is None:
            kind = {"X-Error-Code": "EntryNotFound"} if found else {}
            self._send(404, b"", kind)
            return
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', **(found or {})}
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(206 if start else 200, content[start:], headers, body=body)

    def _send(self, status: int, content: bytes, headers: dict[str, str], *, body: bool = True) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content[: self.server.cut or None])
            self.close_connection = bool(self.server.cut)


@contextmanager
def _running() -> Iterator[Hub]:
    """Serve from a thread as long as the block lasts."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A local hub that the hub's library talks to, with an empty cache; the library reads the environment on import."""
    with _running() as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
        monkeypatch.setattr("huggingface_hub.constants.HF_ASSETS_CACHE", str(tmp_path / "cache" / "assets"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_PROGRESS_BARS", True)
        monkeypatch.setenv("HF_TOKEN", "hf_none")
        yield server
