"""The command `froq`. Heavy libraries are imported only by the command that needs them."""

import os
import select
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper, UnsupportedOperation

from froq_lightning.cli.commands import run_command
from froq_lightning.cli.error_messages import print_error
from froq_lightning.terminal import complain

OUTPUT_CLOSED = 1
USAGE_ERROR = 2
# Commands that go on where they were interrupted.
RESUMED = ("quickstart", "validate", "predict", "test", "select")


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 2 with one line on standard error if it fails, whatever was raised.

    Return 1 if no image could be scored, or on a broken pipe; 130 after Ctrl-C, 143 after SIGTERM.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    if args is None and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # paths may be no UTF-8
    try:
        status = run_command(arguments)
        sys.stdout.flush()
        return status  # noqa: TRY300 - the output is part of what may fail
    except KeyboardInterrupt as interrupt:
        return _interrupted(interrupt, arguments[0] if arguments else "")
    except Exception as error:  # whatever it is
        if isinstance(error, BrokenPipeError) and not _output_is_read():
            return OUTPUT_CLOSED
        print_error(error)
        return USAGE_ERROR


def _interrupted(interrupt: KeyboardInterrupt, command: str) -> int:
    """Say how to go on, and return what shells expect: 128 and the number of the signal."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        hint = "; the same command goes on with what is done" if command in RESUMED else ""
        complain(f"interrupted{hint}", before="\n")
    return 128 + (signal.SIGINT if type(interrupt) is KeyboardInterrupt else signal.SIGTERM)


def _output_is_read() -> bool:
    """Tell whether somebody reads what is printed; `head` has enough sooner. If not, nothing more is printed."""
    try:
        output = sys.stdout.fileno()
    except UnsupportedOperation:
        return True
    poll = select.poll()
    poll.register(output, 0)
    closed = any(event & select.POLLERR for _, event in poll.poll(0))
    if closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return not closed
