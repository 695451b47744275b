"""The command `froq`. Heavy libraries are imported only by the command that needs them."""

import argparse
import os
import select
import sys
from collections.abc import Sequence
from importlib import metadata
from io import TextIOWrapper, UnsupportedOperation
from typing import Any

from froq_lightning.errors import ConfigurationError, FroqError
from froq_lightning.terminal import printable

USAGE_ERROR = 2
OUTPUT_CLOSED = 1
NO_FIT = (
    "there is nothing to fit: FROQ reads quality out of a frozen network without training; "
    "`froq validate` calibrates which layers are read, `froq predict` scores images"
)
EPILOG = """\
examples:
  froq predict --config configs/quickstart.yaml
  froq predict --model.backbone dlib_resnet29 --data.source photos/ --data.aligner dlib
  froq validate --config configs/calibrate.yaml --data.source crops/ --output observer.json
  froq test --config configs/evaluate.yaml --data.source pairs.csv

`froq COMMAND --help` lists the options of a command, `froq COMMAND --print_config` writes them as YAML.
"""


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 2 with one line on standard error if input or configuration is bad.

    1 if whoever read the output did not want all of it.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    if args is None and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # paths may be no UTF-8
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status  # noqa: TRY300 - the output is part of what may fail
    except BrokenPipeError:
        if _output_is_read():
            raise
        return OUTPUT_CLOSED
    except FroqError as error:
        told = "\n".join(map(printable, str(error).splitlines()))
        print(f"froq: error: {told}", file=sys.stderr)
        return USAGE_ERROR


def _run(arguments: list[str]) -> int:
    command = arguments[0] if arguments else ""
    if command in ("validate", "predict", "test"):
        from froq_lightning.cli.trainer import run_trainer  # noqa: PLC0415 - imports torch

        run_trainer(arguments)
        return 0
    if command in ("fit", "train"):
        raise ConfigurationError(NO_FIT)
    parsed = _parser().parse_args(arguments or ["--help"])
    if parsed.command == "data":
        from froq_lightning.cli.data import run_inspect  # noqa: PLC0415 - imports torch

        run_inspect(parsed.path, parsed.root, parsed.part)
    elif parsed.action == "list":
        from froq_lightning.cli.backbones_list import run_list  # noqa: PLC0415 - looks at what is installed

        run_list()
    else:
        _run_on_backbone(parsed.action, parsed.name, parsed.options)
    return 0


def _run_on_backbone(action: str, name: str, options: Sequence[str]) -> None:
    from froq_lightning.backbones.plugins import BACKBONES, find  # noqa: PLC0415 - looks at what is installed

    plugin = find(BACKBONES, name)  # refuses an unknown name before torch is imported

    from froq_lightning.cli.backbones import run_check, run_show  # noqa: PLC0415 - imports torch

    (run_show if action == "show" else run_check)(plugin, options)


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="froq",
        description="Face-image quality from a frozen face-recognition network.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"froq {metadata.version('froq-lightning')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("validate", help="calibrate: choose the layers to observe on labelled or unlabelled faces")
    commands.add_parser("predict", help="score images: one row of quality each")
    commands.add_parser("test", help="evaluate: how well quality methods foretell recognition errors")
    _add_data(commands)
    _add_backbones(commands)
    return parser


def _add_data(commands: Any) -> None:
    data = commands.add_parser("data", help="look at a folder, manifest, pairs file or archive")
    inspect = data.add_subparsers(dest="action", metavar="ACTION", required=True).add_parser(
        "inspect", help="format, counts, sizes, and what looks wrong"
    )
    inspect.add_argument("path")
    inspect.add_argument("--root", help="folder that paths in a manifest or pairs file are relative to")
    inspect.add_argument("--part", help="of a source that holds several sets: FF or FP of CFP")


def _add_backbones(commands: Any) -> None:
    backbones = commands.add_parser("backbones", help="list, show and check the installed networks")
    actions = backbones.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="name, distribution, version and licence; imports none of them")
    for action, told in (("show", "how a network is fed, and its candidate layers"), ("check", "test the contract")):
        parsed = actions.add_parser(action, help=told)
        parsed.add_argument("name", help="as in `froq backbones list`")
        parsed.add_argument("options", nargs="*", metavar="option=value", help="of the backbone, such as weights=FILE")
