"""`froq completion`: completes commands, options, and names of networks, in a shell."""

import argparse
from collections.abc import Iterator

from froq_lightning.cli.parser import create_parser
from froq_lightning.errors import ConfigurationError
from froq_lightning.extensions import BACKBONES, discover

FILES = {"FILE", "FOLDER", "JSON", "LIST|FOLDER", "PART", "SCORES", "SOURCE", "TABLE"}


def run_completion(shell: str) -> None:
    """Print what the shell is to read, such as bash by `eval "$(froq completion bash)"`.

    Raises:
        ConfigurationError: if shtab is not installed.
    """
    try:
        import shtab  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError("`froq completion` needs shtab: pip install 'froq-lightning[completion]'") from error
    parser = create_parser()
    for action in _actions(parser):
        if "--backbone" in action.option_strings:
            action.choices = sorted(discover(BACKBONES).plugins)
        elif action.metavar in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # argparse has no public way
        yield action
        commands = action.choices if isinstance(action.choices, dict) else {}
        for command in commands.values():
            yield from _actions(command)
