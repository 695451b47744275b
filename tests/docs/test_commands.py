"""Every command and every program on the pages is run, in its order, or a line here says why not."""

from pathlib import Path
from typing import Any

import pages
import pytest
from hub_server import Hub
from torch import Tensor

from froq_lightning.cli import main
from froq_lightning.conformance import backbone_checks, backbone_factory_checks

# Whose commands other tests run: those of the page, or of the file that it includes.
ELSEWHERE = {
    "benchmarks": "its programs are run by tests/test_fuzz.py and others, in parts",
    "contributing": "tests/plugins/test_recipes.py",
    "examples": "tests/examples",
    "gpu": "tests/cli/test_gpu_page.py",
    "many-processes": "tests/cli/test_many_processes_page.py",
    "onnx": "tests/cli/test_export.py",
    "parts": "tests/cli/test_parts_page.py",
    "reproduce": "tests/cli/test_reproduce.py",
    "security": "it has none",
}
# Commands that are not run, and why.
NOT_RUN = {
    "pip install": "wheels are installed by .ci/wheels",
    "froq weights fetch NAME": "NAME stands for a name",
}
VERBS = ("predict", "quickstart", "test", "validate")
WITH_BLOCKS = [name for name in pages.names() if name not in ELSEWHERE and pages.blocks(name, "bash", "python")]

pytestmark = pytest.mark.slow


def run(arguments: list[str]) -> None:
    """Run `froq`; it must succeed."""
    quiet = ["--trainer.enable_progress_bar=false"] if arguments[0] in VERBS and "--help" not in arguments else []
    try:
        status = main([*arguments, *quiet])
    except SystemExit as end:  # of --help
        status = end.code or 0
    assert status == 0, arguments


def run_block(language: str, content: str, scope: dict[str, Any]) -> int:
    """Run a block, and return how many commands it had."""
    if language == "python":
        exec(content, scope)  # noqa: S102
        return 1
    chosen = [words for words in pages.commands(content) if not " ".join(words).startswith(tuple(NOT_RUN))]
    for program, *arguments in chosen:
        assert program == "froq"
        run(arguments)
    return len(chosen)


@pytest.mark.parametrize("name", WITH_BLOCKS)
def test_what_a_page_shows_runs(name: str, workplace: Path, images: Tensor, hub: Hub) -> None:
    scope: dict[str, Any] = {"images": images, "__name__": "page"}
    count = sum(run_block(language, content, scope) for language, content in pages.blocks(name, "bash", "python"))
    assert count
    CHECKS.get(name, lambda *_: None)(workplace, scope)
    assert name != "weights" or "/me/my-observer/observer.json" in hub.files


def check_first_scores(place: Path, scope: dict[str, Any]) -> None:
    del scope
    header, *rows = (place / "scores.csv").read_text().splitlines()
    assert header.startswith("image,quality_score,quality,status,reason,defects")
    assert len(rows) == 10
    assert "<svg" in (place / "scores.html").read_text()
    kept = (place / "keep.csv").read_text().count("\n") - 1
    assert kept == len(list((place / "good").rglob("*.jpg"))) > 0


def check_python(place: Path, scope: dict[str, Any]) -> None:
    assert scope["scores"].embeddings.shape == (2, 512)
    assert scope["verdict"].quality == scope["scores"][0].quality
    assert scope["batches"][0].status == ("ok",) * 10
    assert scope["maps"].shape == (1, 112, 112)
    assert (place / "my-observer.json").is_file()


def check_extend(place: Path, scope: dict[str, Any]) -> None:
    del place
    for check in backbone_checks():
        scope["test_mynet_is_a_backbone"](check)
    for check in backbone_factory_checks():
        scope["test_mynet_takes_weights"](check)


CHECKS = {"extend": check_extend, "first-scores": check_first_scores, "python": check_python}


def test_what_other_tests_run_is_on_the_site() -> None:
    assert set(ELSEWHERE) <= set(pages.names())
