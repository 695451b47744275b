"""Commands whose standard streams are a terminal."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Sequence

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Variables by which the terminal of the tests would change what is printed.
OWN = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "COLORTERM")


def heed_interrupts() -> None:
    """Undo what shells do to jobs in the background, which ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_in_terminal(
    command: Sequence[str],
    columns: int = 80,
    *,
    meanwhile: Callable[[str, int], None] = lambda _printed, _process: None,
    **variables: str,
) -> tuple[int, str]:
    """Run a command on a terminal of some columns; return its status and what came to the screen, with all escapes.

    Args:
        command: to run.
        columns: of the terminal.
        meanwhile: is called with all that was printed so far, and the number of the process, which leads a group.
        variables: of the environment.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    usual = {name: value for name, value in os.environ.items() if name not in OWN}
    environment = usual | {"TERM": "xterm-256color", "OMP_NUM_THREADS": "1"} | variables
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - no threads here
    )
    os.close(slave)
    printed = b""
    try:
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:  # nobody has the terminal open any more
                break
            printed += piece
            meanwhile(printed.decode("utf-8", "replace"), process.pid)
        return process.wait(timeout=60), printed.decode("utf-8", "replace")
    finally:
        os.close(master)
        process.kill()
        process.wait()


def screen_text(printed: str) -> str:
    """Return what is left on the screen, without colours: a line that is drawn again replaces what was there."""
    lines = [ESCAPES.sub("", line.rpartition("\r\x1b[2K")[2]).rstrip() for line in printed.split("\r\n")]
    return "\n".join(lines)
