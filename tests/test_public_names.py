"""The names that users import from the top; everything else is imported by its room."""

import subprocess
import sys
from importlib import metadata

import froq_lightning

NAMES = {
    "Backbone",
    "FaceDataModule",
    "FroqModule",
    "Observer",
    "Preprocessing",
    "QualityScorer",
    "TrialDataModule",
    "__version__",
}


def test_these_names_are_public() -> None:
    assert set(froq_lightning.__all__) == set(dir(froq_lightning)) == NAMES
    assert all(getattr(froq_lightning, name).__name__ == name for name in NAMES - {"__version__"})
    assert froq_lightning.__version__ == metadata.version("froq-lightning")


def test_the_package_alone_imports_no_torch() -> None:
    code = "import froq_lightning, sys; froq_lightning.__version__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
