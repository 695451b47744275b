"""A fresh environment that distributions of third parties are installed into."""

import subprocess
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

Interpreter = Callable[..., str]
ALONE = ("--no-deps", "--no-build-isolation", "--no-index")


@pytest.fixture
def interpreter(tmp_path: Path) -> Interpreter:
    """Run Python in a fresh environment that sees what is installed in this one."""
    venv.create(tmp_path / "env", symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    here = sysconfig.get_path("purelib")
    site = subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True)
    (Path(site.strip()) / "outer.pth").write_text(f"import site; site.addsitedir({here!r})\n")

    def run(*arguments: str | Path) -> str:
        ran = subprocess.run([python, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


@pytest.fixture
def install_project(interpreter: Interpreter, tmp_path: Path) -> Callable[[Path, str], None]:
    """Installs a project, "editable" or as a "wheel"."""

    def into_environment(project: Path, kind: str) -> None:
        pip = ["-m", "pip", "--quiet", "--disable-pip-version-check"]
        if kind == "editable":
            interpreter(*pip, "install", *ALONE, "-e", project)
        else:
            interpreter(*pip, "wheel", *ALONE, "-w", tmp_path / "wheels", project)
            interpreter(*pip, "install", *ALONE, *(tmp_path / "wheels").glob("*.whl"))

    return into_environment
