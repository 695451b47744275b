"""The command `froq`. Heavy libraries are imported only by the command that needs them."""

import argparse
import os
import select
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper, UnsupportedOperation

from froq_lightning.cli.error_messages import print_error
from froq_lightning.cli.parser import create_parser
from froq_lightning.errors import ConfigurationError
from froq_lightning.terminal import complain
from froq_lightning.terminal.console import printing

OUTPUT_CLOSED = 1
USAGE_ERROR = 2
NO_FIT = (
    "there is nothing to fit: FROQ reads quality out of a frozen network without training; "
    "`froq validate` calibrates which layers are read, `froq predict` scores images"
)
VERBS = ("validate", "predict", "test")
# Commands that go on where they were interrupted.
RESUMED = (*VERBS, "select")


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 2 with one line on standard error if it fails, whatever was raised.

    Return 1 if no image could be scored, or on a broken pipe; 130 after Ctrl-C, 143 after SIGTERM.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    if args is None and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # paths may be no UTF-8
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status  # noqa: TRY300 - the output is part of what may fail
    except KeyboardInterrupt as interrupt:
        return _interrupted(interrupt, arguments[0] if arguments else "")
    except Exception as error:  # whatever it is
        if isinstance(error, BrokenPipeError) and not _output_is_read():
            return OUTPUT_CLOSED
        print_error(error)
        return USAGE_ERROR


def _run(arguments: list[str]) -> int:
    command = arguments[0] if arguments else ""
    if command in VERBS:
        from froq_lightning.cli.trainer import run_trainer  # noqa: PLC0415 - imports torch

        return run_trainer(arguments)
    if command == "export":
        from froq_lightning.cli.export import run_export  # noqa: PLC0415 - imports torch

        run_export(arguments[1:])
        return 0
    if command in ("fit", "train"):
        raise ConfigurationError(NO_FIT)
    parsed = create_parser().parse_args(arguments or ["--help"])
    if parsed.command in ("select", "merge"):
        from froq_lightning.cli.image_selection import run_select  # noqa: PLC0415 - imports torch
        from froq_lightning.cli.merge import run_merge  # noqa: PLC0415 - imports torch

        with printing(quiet=parsed.quiet, json=parsed.json, command=parsed.command):
            return (run_select if parsed.command == "select" else run_merge)(parsed)
    if parsed.command == "weights":
        from froq_lightning.cli import weights  # noqa: PLC0415 - looks at what is installed

        weights.run_list() if parsed.action == "list" else weights.run_fetch(parsed.name)
    elif parsed.command == "threshold":
        from froq_lightning.cli.threshold import run_threshold  # noqa: PLC0415 - imports torch

        with printing(quiet=parsed.quiet, json=parsed.json, command="threshold"):
            run_threshold(parsed)
    elif parsed.command == "observer":
        _run_on_observer(parsed)
    elif parsed.command == "data":
        from froq_lightning.cli.data import run_inspect  # noqa: PLC0415 - imports torch

        run_inspect(parsed.path, parsed.root, parsed.part)
    elif parsed.action == "list":
        from froq_lightning.cli.backbones import run_list  # noqa: PLC0415 - looks at what is installed

        run_list(check=parsed.check)
    else:
        _run_on_backbone(parsed.action, parsed.name, parsed.options)
    return 0


def _interrupted(interrupt: KeyboardInterrupt, command: str) -> int:
    """Say how to go on, and return what shells expect: 128 and the number of the signal."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        hint = "; the same command goes on with what is done" if command in RESUMED else ""
        complain(f"interrupted{hint}", before="\n")
    return 128 + (signal.SIGINT if type(interrupt) is KeyboardInterrupt else signal.SIGTERM)


def _run_on_backbone(action: str, name: str, options: Sequence[str]) -> None:
    from froq_lightning.cli.backbones import run_check, run_show  # noqa: PLC0415 - looks at what is installed
    from froq_lightning.extensions import BACKBONES, find  # noqa: PLC0415 - looks at what is installed

    plugin = find(BACKBONES, name)  # refuses an unknown name before torch is imported
    (run_show if action == "show" else run_check)(plugin, options)


def _run_on_observer(parsed: argparse.Namespace) -> None:
    from froq_lightning.cli import observer  # noqa: PLC0415 - imports torch

    if parsed.action == "show":
        observer.run_show(parsed.observer)
    elif parsed.action == "compare":
        observer.run_compare(parsed.observer, parsed.other)
    elif parsed.action == "push":
        observer.run_push(parsed.observer, parsed.target)
    else:
        observer.run_pull(parsed.observer, parsed.output)


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
