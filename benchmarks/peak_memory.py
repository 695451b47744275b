"""Time and peak memory of a command in processes of its own."""

import os
import subprocess
import sys
import time

CODE = (
    "import resource, sys; from froq_lightning.cli import main; code = main(sys.argv[1:]);"
    "print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024); sys.exit(code)"
)
QUIET = ("--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu")


def froq(*arguments: str) -> float:
    """Run `froq` on the CPU; return its peak resident memory in MB, without that of its worker processes."""
    run = [sys.executable, "-c", CODE, *arguments, *QUIET]
    printed = subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(printed.rsplit("PEAK", 1)[1])


def measured(*arguments: str) -> tuple[float, float]:
    """Run `froq`; return its seconds, and the peak resident memory in MB of the largest of its processes."""
    started = time.perf_counter()
    run = subprocess.Popen([sys.executable, "-m", "froq_lightning", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(run.pid, 0)
    run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode:
        raise subprocess.CalledProcessError(run.returncode, arguments)
    return time.perf_counter() - started, usage.ru_maxrss / 1024
