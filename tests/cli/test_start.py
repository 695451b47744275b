"""What answers from names and metadata alone imports nothing heavy: whoever mistypes a command does not wait for it."""

import subprocess
import sys

import pytest

HEAVY = {"lightning", "matplotlib", "numpy", "scipy", "timm", "torch", "torchmetrics", "dlib", "froq_dlib", "froq_ir"}
RUN_THEN_MODULES = """
import sys
from froq_lightning.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
print(*{name.partition(".")[0] for name in sys.modules})
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("--version", 0),
        ("--help", 0),
        ("", 0),
        ("backbones list", 0),
        ("backbones --help", 0),
        ("data inspect --help", 0),
        ("predict --help", 0),
        ("validate -h", 0),
        ("test --help", 0),
        ("export --help", 0),
        ("quickstart --help", 0),
        ("config", 0),
        ("config paper", 0),
        ("config papr", 2),
        ("completion bash", 0),
        ("predict a/ b/", 2),
        ("fit --model.backbone=timm", 2),
        ("nonsense", 2),
        ("backbones", 2),
        ("backbones nonsense", 2),
        ("backbones show tim", 2),
        ("backbones check tim weights=none.pt", 2),
    ],
)
def test_nothing_heavy_is_imported(command: str, code: int) -> None:
    run = [sys.executable, "-c", RUN_THEN_MODULES, *command.split()]
    ran = subprocess.run(run, capture_output=True, text=True, check=False)
    assert ran.returncode == code, ran.stderr
    modules = set(ran.stdout.splitlines()[-1].split())
    assert "froq_lightning" in modules
    assert not modules & HEAVY
