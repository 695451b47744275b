"""The service, as a process, with a real client."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import torch

from froq_lightning import QualityScorer

SERVICE = Path(__file__).parents[2] / "examples" / "service"
Start = Callable[..., tuple[subprocess.Popen[bytes], str]]

pytestmark = pytest.mark.slow


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the service with these settings, and wait until it is up."""
    processes: list[subprocess.Popen[bytes]] = []

    def run(**settings: str) -> tuple[subprocess.Popen[bytes], str]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "--app-dir", str(SERVICE), "app:app", "--port", str(port)]
        processes.append(subprocess.Popen(command, env=os.environ | settings))
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                httpx.get(f"{url}/health")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return processes[-1], url
        pytest.fail("the service does not start")

    yield run
    for process in processes:
        process.kill()
        process.wait()


async def post_all(url: str, bodies: list[bytes]) -> list[httpx.Response]:
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=httpx.Limits(max_connections=None)) as client:
        answers = asyncio.gather(*(client.post("/score", content=body) for body in bodies))
        await asyncio.sleep(0.3)
        assert (await client.get("/health")).json()["status"] == "ok", "while it is busy"
        return await answers


def test_no_answer_of_200_requests_at_once_is_lost_or_wrong(start: Start, photographs: list[Path]) -> None:
    _, url = start(MAX_BYTES="100000", TIMEOUT="100")
    good = [photograph.read_bytes() for photograph in photographs]
    bodies = [(*good, b"no image", good[0][:4000], b"\xff" * 100_001)[index % 15] for index in range(200)]
    answers = asyncio.run(post_all(url, bodies))
    scorer = QualityScorer.from_pretrained("dlib_resnet29", aligner="dlib", device="cpu")
    expected = scorer(photographs, embeddings=True)
    assert expected.embeddings is not None
    for index, answer in enumerate(answers):
        place = index % 15
        if place >= len(photographs):
            assert answer.status_code == (422, 422, 413)[place - len(photographs)]
            assert answer.json()["detail"]
            continue
        score, row = answer.json(), expected[place]
        assert (answer.status_code, score["quality"], score["remark"]) == (200, row.quality, row.reason)
        assert score["quality_score"] == pytest.approx(row.quality_score, abs=1e-4)
        torch.testing.assert_close(torch.tensor(score["embedding"]), expected.embeddings[place], rtol=0, atol=1e-4)


def test_requests_that_were_accepted_are_answered_before_it_stops(start: Start, photographs: list[Path]) -> None:
    process, url = start(BATCH_WAIT="2", BATCH_SIZE="32")

    async def post_and_stop() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            answers = asyncio.gather(*(client.post("/score", content=path.read_bytes()) for path in photographs))
            while (await client.get("/health")).json()["waiting"] < len(photographs):
                await asyncio.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            return await answers

    assert [answer.status_code for answer in asyncio.run(post_and_stop())] == [200] * len(photographs)
    process.wait(timeout=30)


@pytest.mark.parametrize(
    ("settings", "code", "text"),
    [({"TIMEOUT": "0.2", "BATCH_WAIT": "1"}, 504, "no score within 0.2 s"), ({"MAX_WAITING": "0"}, 503, "try again")],
)
def test_limits_are_answers(
    settings: dict[str, str], code: int, text: str, start: Start, photographs: list[Path]
) -> None:
    _, url = start(**settings)
    answer = httpx.post(f"{url}/score", content=photographs[0].read_bytes())
    assert answer.status_code == code
    assert text in answer.json()["detail"]
