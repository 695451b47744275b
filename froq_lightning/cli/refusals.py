"""Whatever was raised, as the one line that a command ends with, and the nearest names of what was mistyped."""

import os
import re
import sys
import time
import traceback
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import NoReturn

from froq_lightning.errors import ConfigurationError, FroqError, UnknownNameError
from froq_lightning.runs.launcher import Launcher
from froq_lightning.terminal import printable

DEBUG = "FROQ_DEBUG"
# What the parser and Lightning raise for bad options; their text says it all. By name, as importing them takes long.
TELLING = {"ArgumentError", "MisconfigurationException"}
TRACEBACK = "Traceback (most recent call last):"
RAISED = re.compile(r"^(?:froq_lightning\.errors\.(\w+)|(?:\w+\.)*(\w+))(?:: (.*))?\Z", flags=re.MULTILINE | re.DOTALL)
CHOICE = re.compile(r"argument (\w+): invalid choice: (['\"])(.*?)\2 \(choose from (.*)\)", flags=re.DOTALL)
# The long message of jsonargparse for a value that fits no member of a union.
KEY = re.compile(r'Parser key "(.*?)": ')
UNION = re.compile(
    r"(.*?)Does not validate .* Subtypes: \[(.*)\] Errors: - (.*?)(?: Given value type: .*)? Given value: (.*)"
)
CLASS = re.compile(r"Problem with given class_path .*?(?= - Expected a | Given value type: |$)")
UNRECOGNISED = re.compile(r"unrecognized arguments: (--[^\s=]+)")
NOT_ACCEPTED = re.compile(r"(?:Group '([^']*)' does not|Subcommand '[^']*' does not) accept option '([^']+)'")
REQUIRED = re.compile(r"the following arguments are required: (.*)")
WORKER = re.compile(r"DataLoader worker \(pid")
SECONDS_FOR_THE_FIRST = 3.0


class StrictParser(ArgumentParser):
    """A parser without abbreviations that raises what it refuses, with the nearest names."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Raise a ConfigurationError or UnknownNameError."""
        if choice := CHOICE.match(message):
            kind, _, name, choices = choice.groups()
            raise UnknownNameError.among(kind.lower(), name, re.findall(r"[\w-]+", choices))
        raise with_nearest(message, option_names(self)) or ConfigurationError(one_line(message))


def option_names(parser: ArgumentParser) -> list[str]:
    """Return the long options of a parser and of its commands, without their dashes."""
    names = []
    for action in parser._actions:  # argparse has no public way
        names += [option[2:] for option in action.option_strings if option.startswith("--") and option[-1] != "+"]
        commands = action.choices if isinstance(action.choices, dict) else {}
        names += [name for command in commands.values() for name in option_names(command)]
    return names


def with_nearest(message: str, options: Iterable[str]) -> FroqError | None:
    """Turn a parser's message about an unknown or missing option into a FroqError; None for any other message."""
    line = one_line(message)
    if required := REQUIRED.search(line):
        names = [name.partition(".")[2] or name for name in required[1].split(", ")]  # `predict.data.source`
        if not {"data.source", "model.backbone"} & set(names):
            return None
        return ConfigurationError(f"Expected {' and '.join(f'--{name}' for name in names)}, but nothing was given")
    if unknown := UNRECOGNISED.search(line):
        return UnknownNameError.among("option", unknown[1], (f"--{option}" for option in options))
    if refused := NOT_ACCEPTED.search(line):
        group, name = refused.groups()
        return UnknownNameError.among("option", f"{group}.{name}" if group else name, options)
    return None


def one_line(message: str) -> str:
    """Join the lines of a message, and shorten that of jsonargparse for a wrong value."""
    line = " ".join(message.split())
    key = f"{keyed[1]}: " if (keyed := KEY.match(line)) else ""
    if problem := CLASS.search(line):
        return f"{key}{problem[0]}"
    if union := UNION.fullmatch(line):
        before, choices, errors, value = union.groups()
        raised = [problem for problem in errors.split(" - ") if not problem.startswith("Expected ")]
        named = re.sub(r"typing\.|<class '|'>", "", choices)
        return (
            f"{key or before}{value}: {'; '.join(raised)}" if raised else f"{key or before}{value} is none of {named}"
        )
    return line


def told(error: BaseException) -> str:
    """Say in one line what was raised, here or in a process that was started, whose traceback comes as text."""
    text = str(error)
    if TRACEBACK in text:
        raised = RAISED.search(text.rpartition(TRACEBACK)[2])
        if raised is not None:
            known, other, message = raised.groups(default="")
            return one_line(message) if known else _with_hint(other, one_line(message))
    if isinstance(error, FroqError):
        return text
    name = type(error).__name__
    if WORKER.match(text):
        return f"a process that reads images ended: {one_line(text)} Set fewer --data.workers if memory ran out"
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {os.fspath(error.filename)!r}"
    return one_line(text) if name in TELLING else _with_hint(name, one_line(text))


def refuse(error: BaseException) -> None:
    """Print what was raised, once where several processes may raise it, with its traceback where that is wanted."""
    if os.environ.get(DEBUG, "0") not in ("", "0"):
        traceback.print_exception(error)
    if _first_refuses_too():
        return
    lines = "\n".join(map(printable, told(error).splitlines()))
    print(f"froq: error: {lines}", file=sys.stderr, flush=True)


def _with_hint(name: str, message: str) -> str:
    return (
        f"{name}: {message} ({DEBUG}=1 shows the traceback)" if message else f"{name} ({DEBUG}=1 shows the traceback)"
    )


def _first_refuses_too() -> bool:
    """Wait whether the first process of a run ends for its own part, and this one with it; it mostly tells the same."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        return False
    launcher, end = Launcher(), time.monotonic() + SECONDS_FOR_THE_FIRST
    while time.monotonic() < end:
        if launcher.is_gone:
            return True
        time.sleep(0.05)
    launcher.end()
    return False
