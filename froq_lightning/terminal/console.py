"""The one place that prints: for people, for scripts, or as JSON.

Messages for people go to standard output, in colours where that is a terminal, or to standard error where standard
output is for one JSON object. How this process prints is a value of its own (`Output`), since a process that
`ddp_spawn` starts has to be told.
"""

import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO, TypeGuard

from froq_lightning.terminal.table import Kind, Line, Part, Table

# What is said where standard output is for JSON, and where nothing is to be said.
SAID_BESIDE_JSON: tuple[Kind, ...] = ("status", "failure", "remark")
SAID_IN_QUIET: tuple[Kind, ...] = ("remark",)


@dataclass
class Output:
    """How a process prints.

    Args:
        quiet: nothing but warnings and errors.
        json: one object at the end, in place of tables.
        facts: that the object holds so far.
        started: when the command was, by the monotonic clock.
    """

    quiet: bool = False
    json: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)


@dataclass
class _State:
    output: Output
    # Standard output where JSON is printed; `sys.stdout` may be diverted then.
    stdout: TextIO | None = None
    # Clears the progress bar that is on the screen, before something else is printed.
    clear: Callable[[], None] | None = None


_STATE = _State(Output())


@contextmanager
def printing(*, quiet: bool = False, json: bool = False, **facts: Any) -> Iterator[None]:
    """Print in a way for some time, see `start_printing`; print the JSON object at the end, unless there was an error.

    Args:
        quiet: print nothing but warnings and errors.
        json: print one JSON object in place of tables.
        facts: that the object begins with.
    """
    with unchanged_printing():
        start_printing(quiet=quiet, json=json, **facts)
        yield
        print_facts()


@contextmanager
def unchanged_printing() -> Iterator[None]:
    """Print as before when this ends."""
    before, stdout = (_STATE.output, _STATE.stdout), sys.stdout
    try:
        yield
    finally:
        (_STATE.output, _STATE.stdout), sys.stdout = before, stdout


def start_printing(*, quiet: bool = False, json: bool = False, **facts: Any) -> None:
    """Print in a way from now on; what a library prints on standard output is diverted, or dropped; see `printing`."""
    take_output(Output(quiet, json, facts))


def current_output() -> Output:
    """Return how this process prints, for another one."""
    return _STATE.output


def take_output(output: Output) -> None:
    """Have this process print as the one that started it."""
    _STATE.output, _STATE.stdout = output, sys.stdout
    if output.quiet or output.json:
        sys.stdout = _Nowhere() if output.quiet else sys.stderr


def show(*parts: Part) -> None:
    """Print lines and tables."""
    output = _STATE.output
    if not output.quiet and not output.json:
        _print(sys.stdout, parts)
        return
    if remarks := [part.text.strip().removeprefix("! ") for part in parts if _is_remark(part)]:
        tell(remarks=[*output.facts.get("remarks", ()), *remarks])
    kinds = SAID_IN_QUIET if output.quiet else SAID_BESIDE_JSON
    _print(sys.stderr, [part for part in parts if isinstance(part, Line) and part.kind in kinds])


def wrote(what: str, address: str, key: str = "") -> None:
    """Say where an output is.

    Args:
        what: it is, for people.
        address: its path or address.
        key: what it is, for JSON; by default `what`.
    """
    show(Line(f"{what}: {address}", "status"))
    tell(outputs={key or what: address})


def complain(message: str, kind: Kind = "failure", *, before: str = "") -> None:
    """Print why a command does not succeed, or another thing that must be known, on standard error, always."""
    _print(sys.stderr, [Line(f"{before}froq: {message}", kind)])


def tell(**facts: Any) -> None:
    """Add facts to the JSON object, as JSON values; those of a mapping are added to an earlier mapping of that name."""
    known = _STATE.output.facts
    for name, value in facts.items():
        known[name] = known[name] | value if isinstance(value, dict) and name in known else value


def print_facts() -> None:
    """Print the JSON object, if it is wanted, on standard output; text that is no Unicode stands there escaped."""
    output = _STATE.output
    if not output.json:
        return
    tell(seconds=round(time.monotonic() - output.started, 3))
    text = json.dumps(_encodable(output.facts), indent=1, allow_nan=False)
    print(text, file=_STATE.stdout or sys.stdout, flush=True)


def set_clearing(clear: Callable[[], None] | None) -> None:
    """Have a progress bar on the screen cleared before something else is printed."""
    _STATE.clear = clear


def clear_screen() -> None:
    """Take a progress bar from the screen, if there is one."""
    if _STATE.clear is not None:
        _STATE.clear()


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can move its cursor."""
    try:
        return stream.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")
    except ValueError:  # it is closed
        return False


def _print(stream: TextIO, parts: "list[Part] | tuple[Part, ...]") -> None:
    if not parts:
        return
    clear_screen()
    if is_terminal(stream) or os.environ.get("FORCE_COLOR"):
        from froq_lightning.terminal.coloured import print_coloured  # noqa: PLC0415 - imports Rich

        print_coloured(stream, parts)
    else:
        print(*(part if isinstance(part, Table) else _line(part) for part in parts), sep="\n", file=stream, flush=True)


def _line(part: str | Line) -> Line:
    return part if isinstance(part, Line) else Line(part)


def _is_remark(part: Part) -> TypeGuard[Line]:
    return isinstance(part, Line) and part.kind == "remark"


def _encodable(value: Any) -> Any:
    """Escape what UTF-8 cannot encode: bytes of file names that are no text."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(inner) for key, inner in value.items()}
    return [_encodable(inner) for inner in value] if isinstance(value, (list, tuple)) else value


class _Nowhere(io.TextIOBase):
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)

    def writable(self) -> bool:
        return True
