"""Servers on this machine that hand out files by ranges, and fail at times: a web server, and S3 by moto."""

import random
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest


class Faults:
    """Decides which requests fail, and counts them.

    Args:
        share: of the requests.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self.requests = self.failed = 0
        self._random = random.Random(1)  # noqa: S311 - no secret
        self._lock = threading.Lock()

    def next_fails(self) -> bool:
        """Tell whether the next request fails."""
        with self._lock:
            fails = self._random.random() < self.share
            self.requests += 1
            self.failed += fails
        return fails


@contextmanager
def web_server(folder: Path, faults: Faults) -> Iterator[str]:
    """Serve a folder; a fault is an error 503, or an answer that breaks off."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self, *, with_body: bool) -> None:
            path = folder / self.path.partition("?")[0].lstrip("/")
            fails = faults.next_fails()
            if fails and faults.failed % 2:
                self.send_error(503)
                return
            if not path.is_file():
                self.send_error(404)
                return
            content = path.read_bytes()
            whole = len(content)
            stated = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if stated:
                start, last = int(stated[1]), min(int(stated[2] or whole), whole - 1)
                content = content[start : last + 1]
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{last}/{whole}")
            else:
                self.send_response(200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_body:
                self.wfile.write(content[: len(content) // 2] if fails else content)
            self.close_connection = fails

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with _serving(server.serve_forever, server.shutdown, server.server_close):
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def s3_server(faults: Faults) -> Iterator[str]:
    """Serve an S3 that is empty; a fault is an error 503."""
    from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415 - an extra
    from werkzeug.serving import make_server  # noqa: PLC0415

    inner = DomainDispatcherApplication(create_backend_app)

    def application(environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if faults.next_fails():
            start("503 Slow Down", [("Content-Length", "0")])
            return [b""]
        answer: Iterable[bytes] = inner(environment, start)
        return answer

    server = make_server("127.0.0.1", 0, application, threaded=True)
    with _serving(server.serve_forever, server.shutdown, server.server_close):
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def s3_bucket(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, str]]:
    """Serve an S3 with a new bucket; give a file system of s3fs, and the bucket's name."""
    s3fs = pytest.importorskip("s3fs")
    pytest.importorskip("moto.server")
    from fsspec.config import conf  # noqa: PLC0415 - an extra

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with s3_server(faults) as endpoint:
        monkeypatch.setitem(conf, "s3", {"endpoint_url": endpoint})
        store, bucket = s3fs.S3FileSystem(), uuid4().hex  # what moto holds outlives its server
        store.mkdir(bucket)
        yield store, bucket


@contextmanager
def _serving(serve: Callable[[], None], *ends: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        for end in ends:
            end()
        thread.join()
