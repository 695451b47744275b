"""A page with a webcam box, which shows the quality of the face before the camera, and whether it passes.

python examples/webcam.py
"""

from typing import Any

import numpy as np

from froq_lightning import QualityScorer


class Judge:
    """What the page calls for every picture."""

    def __init__(self, min_quality: int = 20) -> None:
        scorer = QualityScorer.from_pretrained("dlib_resnet29", aligner="dlib")
        self.gate = scorer.gate(min_quality, reasons=True)

    def __call__(self, picture: np.ndarray | None) -> tuple[int, str]:
        """Return the quality, 0..100, or -1 without a face, and what to do. The picture is `[H, W, 3]` RGB."""
        if picture is None:
            return -1, "no picture"
        verdict = self.gate(picture)
        return verdict.quality, "passed" if verdict.passed else verdict.guidance or verdict.reason


def page(judge: Judge) -> Any:
    """Build the page."""
    import gradio  # noqa: PLC0415 - not among the extras, see README.md

    with gradio.Blocks(title="Face-image quality") as blocks:
        picture = gradio.Image(sources=["webcam"], streaming=True, label="Camera")
        outputs = [gradio.Number(label="Quality, 0..100"), gradio.Textbox(label="Verdict")]
        picture.stream(judge, picture, outputs, stream_every=0.5, concurrency_limit=1, api_name="judge")
    return blocks


if __name__ == "__main__":
    page(Judge()).launch()
