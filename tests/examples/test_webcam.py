"""The page with a webcam box."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import webcam
from PIL import Image


def test_a_picture_gets_its_quality_and_a_verdict(photographs: list[Path]) -> None:
    judge = webcam.Judge()
    picture = np.array(Image.open(photographs[0]))
    verdict = judge.gate(photographs[0])
    assert judge(picture) == (verdict.quality, "passed")
    assert judge(picture * 0) == (-1, "no face found")
    assert judge(None) == (-1, "no picture")
    assert webcam.Judge(min_quality=100)(picture // 8) == (judge.gate(picture // 8).quality, "More light on the face.")


@pytest.mark.slow
def test_the_page_is_served() -> None:
    pytest.importorskip("gradio", reason="needs gradio, which still asks for Pillow < 13")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    with subprocess.Popen([sys.executable, webcam.__file__], env=os.environ | settings) as process:
        try:
            assert "Face-image quality" in page(f"http://127.0.0.1:{port}")
        finally:
            process.kill()


def page(url: str) -> str:
    for _ in range(600):
        try:
            return httpx.get(url).text
        except httpx.TransportError:
            time.sleep(0.1)
    return ""
