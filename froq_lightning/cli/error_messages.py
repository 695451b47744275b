"""Errors as one line on standard error, with the nearest names of mistyped options."""

import os
import re
import time
import traceback
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import NoReturn

from froq_lightning.errors import ConfigurationError, FroqError, UnknownNameError
from froq_lightning.runs.launcher import Launcher
from froq_lightning.terminal import complain

DEBUG = "FROQ_DEBUG"
# What the parser and Lightning raise for bad options: the text is enough. By name, since importing them is slow.
PLAIN_ERRORS = {"ArgumentError", "MisconfigurationException"}
TRACEBACK = "Traceback (most recent call last):"
RAISED = re.compile(r"^(?:froq_lightning\.errors\.(\w+)|(?:\w+\.)*(\w+))(?:: (.*))?\Z", flags=re.MULTILINE | re.DOTALL)
CHOICE = re.compile(r"argument (\w+): invalid choice: (['\"])(.*?)\2 \(choose from (.*)\)", flags=re.DOTALL)
# Parts of jsonargparse's long message for a value that fits no type of a union.
KEY = re.compile(r'Parser key "(.*?)": ')
UNION = re.compile(
    r"(.*?)Does not validate .* Subtypes: \[(.*)\] Errors: - (.*?)(?: Given value type: .*)? Given value: (.*)"
)
CLASS = re.compile(r"Problem with given class_path .*?(?= - Expected a | Given value type: |$)")
UNRECOGNISED = re.compile(r"unrecognized arguments: (--[^\s=]+)")
NOT_ACCEPTED = re.compile(r"(?:Group '([^']*)' does not|Subcommand '[^']*' does not) accept option '([^']+)'")
REQUIRED = re.compile(r"the following arguments are required: (.*)")
WORKER = re.compile(r"DataLoader worker \(pid")
SECONDS_FOR_FIRST_PROCESS = 3.0


class StrictParser(ArgumentParser):
    """An argument parser without abbreviations, whose errors name the nearest options."""

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
        names = [name.partition(".")[2] or name for name in required[1].split(", ")]  # without "predict."
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
        reasons = [reason for reason in errors.split(" - ") if not reason.startswith("Expected ")]
        types = re.sub(r"typing\.|<class '|'>", "", choices)
        return f"{key or before}{value}{': ' + '; '.join(reasons) if reasons else f' is none of {types}'}"
    return line


def describe_error(error: BaseException) -> str:
    """Describe an error in one line; of a child process, whose traceback is the text, its last line."""
    text = str(error)
    if TRACEBACK in text:
        last = RAISED.search(text.rpartition(TRACEBACK)[2])
        if last is not None:
            own, other, message = last.groups(default="")
            return one_line(message) if own else _with_hint(other, one_line(message))
    if isinstance(error, FroqError):
        return text
    name = type(error).__name__
    if WORKER.match(text):
        return f"a process that reads images ended: {one_line(text)} Set fewer --data.workers if memory ran out"
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {os.fspath(error.filename)!r}"
    return one_line(text) if name in PLAIN_ERRORS else _with_hint(name, one_line(text))


def print_error(error: BaseException) -> None:
    """Print an error, in one process only where several raise it; with its traceback if FROQ_DEBUG is set."""
    if os.environ.get(DEBUG, "0") not in ("", "0"):
        traceback.print_exception(error)
    if _first_process_reports():
        return
    complain("error: " + "\n".join(describe_error(error).splitlines()))


def _with_hint(name: str, message: str) -> str:
    return f"{name}{message and f': {message}'} ({DEBUG}=1 shows the traceback)"


def _first_process_reports() -> bool:
    """Whether this is another process than the first of a run, which ends too and mostly prints the same error."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        return False
    launcher, end = Launcher(), time.monotonic() + SECONDS_FOR_FIRST_PROCESS
    while time.monotonic() < end:
        if launcher.is_gone:
            return True
        time.sleep(0.05)
    launcher.end()
    return False
