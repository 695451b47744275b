"""Peak memory of a command in a process of its own."""

import subprocess
import sys

CODE = (
    "import resource, sys; from froq_lightning.cli import main; code = main(sys.argv[1:]);"
    "print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024); sys.exit(code)"
)


def froq(*arguments: str) -> float:
    """Run `froq` on the CPU; return its peak resident memory in MB."""
    run = [sys.executable, "-c", CODE, *arguments, "--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu"]
    printed = subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(printed.rsplit("PEAK", 1)[1])
