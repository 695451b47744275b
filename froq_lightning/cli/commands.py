"""Which code runs a command. It is imported only then, since most of it imports torch."""
# ruff: noqa: PLC0415

import argparse
from collections.abc import Callable

from froq_lightning.cli.parser import VERBS, create_parser
from froq_lightning.cli.shipped_configs import run_config, with_config
from froq_lightning.cli.short_options import write_out
from froq_lightning.errors import ConfigurationError
from froq_lightning.terminal.console import printing

HELP = {"-h", "--help"}
NO_FIT = (
    "there is nothing to fit: FROQ reads quality out of a frozen network without training; "
    "`froq validate` calibrates which layers are read, `froq predict` scores images"
)


def run_command(arguments: list[str]) -> int:
    """Run a command with its options; return its exit status.

    Raises:
        FroqError: if an option does not exist, or cannot work.
        SystemExit: after a help, or the version, was printed.
    """
    command, options = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    wants_help = any(option.partition("=")[0] in HELP for option in options)
    if command in ("fit", "train"):
        raise ConfigurationError(NO_FIT)
    if command == "quickstart" and not wants_help:
        return _run_verb("predict", ["--config=quickstart", *options])
    if command in VERBS and (not wants_help or not {"all", "--help=all"}.isdisjoint(options)):
        return _run_verb(command, ["--help"] if wants_help else options)
    parsed = create_parser().parse_args([command, *options])
    return COMMANDS[parsed.command](parsed) or 0


def _run_verb(verb: str, options: list[str]) -> int:
    if options != ["--help"]:
        options = with_config(verb, write_out(verb, options))
    if verb == "export":
        from froq_lightning.cli.export import run_export

        run_export(options)
        return 0
    from froq_lightning.cli.trainer import run_trainer

    return run_trainer([verb, *options])


def _select(parsed: argparse.Namespace) -> int:
    from froq_lightning.cli.image_selection import run_select

    with printing(quiet=parsed.quiet, json=parsed.json, command=parsed.command):
        return run_select(parsed)


def _merge(parsed: argparse.Namespace) -> int:
    from froq_lightning.cli.merge import run_merge

    with printing(quiet=parsed.quiet, json=parsed.json, command=parsed.command):
        return run_merge(parsed)


def _threshold(parsed: argparse.Namespace) -> None:
    from froq_lightning.cli.threshold import run_threshold

    with printing(quiet=parsed.quiet, json=parsed.json, command=parsed.command):
        run_threshold(parsed)


def _data(parsed: argparse.Namespace) -> None:
    from froq_lightning.cli.data import run_inspect

    run_inspect(parsed.path, parsed.root, parsed.part)


def _backbones(parsed: argparse.Namespace) -> None:
    from froq_lightning.cli.backbones import run_check, run_list, run_show
    from froq_lightning.extensions import BACKBONES, find

    if parsed.action == "list":
        run_list(check=parsed.check)
        return
    plugin = find(BACKBONES, parsed.name)  # refuses an unknown name before torch is imported
    (run_show if parsed.action == "show" else run_check)(plugin, parsed.options)


def _weights(parsed: argparse.Namespace) -> None:
    from froq_lightning.cli.weights import run_fetch, run_list

    run_list() if parsed.action == "list" else run_fetch(parsed.name)


def _observer(parsed: argparse.Namespace) -> None:
    from froq_lightning.cli import observer

    if parsed.action == "show":
        observer.run_show(parsed.observer)
    elif parsed.action == "compare":
        observer.run_compare(parsed.observer, parsed.other)
    elif parsed.action == "push":
        observer.run_push(parsed.observer, parsed.target)
    else:
        observer.run_pull(parsed.observer, parsed.output)


def _config(parsed: argparse.Namespace) -> None:
    run_config(parsed.name, parsed.output)


def _completion(parsed: argparse.Namespace) -> None:
    from froq_lightning.cli.completion import run_completion

    run_completion(parsed.shell)


COMMANDS: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "select": _select,
    "merge": _merge,
    "threshold": _threshold,
    "data": _data,
    "backbones": _backbones,
    "weights": _weights,
    "observer": _observer,
    "config": _config,
    "completion": _completion,
}
