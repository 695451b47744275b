"""The notebooks run from the first cell to the last, in a kernel of their own and an empty folder."""

from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
# What each must have printed or drawn: a notebook that says nothing shows nothing.
EXPECTED = {
    "first_scores.md": ("no face found", "occluded", "Hold still.", "scores: scores.csv"),
    "calibrate.md": ("observer: observer.json", "cross-validated", "calibrated on"),
    "threshold.md": ("certain: FNMR of at most 2 %", "true FNMR", "mated trials of"),
}


def test_every_notebook_is_run() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in FOLDER.glob("*.md"))


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_a_notebook_runs(name: str, tmp_path: Path) -> None:
    read = pytest.importorskip("myst_nb.core.read", reason="needs myst-nb, as the site does")
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient, as the site does")
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    pytest.importorskip("skimage", reason="needs the sample photograph of scikit-image")
    notebook = read.read_myst_markdown_notebook((FOLDER / name).read_text(encoding="utf-8"))
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()
    written = "".join(text for cell in notebook.cells for text in texts(cell))
    assert [words for words in EXPECTED[name] if words not in written] == []
    pictures = sum(
        "image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert pictures >= 1


def texts(cell: dict[str, Any]) -> list[str]:
    """List what a cell has printed, and the value of its last line."""
    outputs = cell.get("outputs", [])
    printed = [output["text"] for output in outputs if output["output_type"] == "stream"]
    return printed + [output["data"]["text/plain"] for output in outputs if "text/plain" in output.get("data", {})]
