"""Two processes calibrate on the sample that one draws."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

Rows = list[dict[str, str]]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs torch built with gloo"),
]


def test_both_draw_the_same_images(
    images: list[Path], tmp_path: Path, run: Callable[..., tuple[Path, Path]], rows: Callable[[Path], Rows]
) -> None:
    for image in images:
        link = tmp_path / "people" / image.name[0] / image.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(image)
    source = f"--data.source={tmp_path / 'people'}"
    options = [source, "--data.sample=22", "--data.stratify=subject", "--report=false"]
    two, one = run("ddp", "validate", "observer.json", *options)
    drawn = rows(two.with_suffix(".sample.csv"))
    assert drawn == rows(one.with_suffix(".sample.csv"))
    assert len(drawn) == 22
    names = [row["image"] for row in rows(two.with_suffix(".images.csv"))]
    assert names == [row["image"] for row in rows(one.with_suffix(".images.csv"))]
