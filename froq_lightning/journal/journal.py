"""The journal of a run: a folder beside its output with a shard for every process, until the output is published."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from froq_lightning.atomic_write import atomic_write, signature
from froq_lightning.errors import JournalError
from froq_lightning.journal.block import Block
from froq_lightning.journal.shard import Shard, read_blocks
from froq_lightning.names import digest_of

NAMES = signature(rb'"')
MOST_NAMED = 3
MOST_CHARACTERS = 48


@runtime_checkable
class Digested(Protocol):
    """Names whose digest may be known already."""

    def digest(self) -> str:
        """Return it; see `names.digest_of`."""


class Journal:
    """What one process has done so far, step by step, and what the others have.

    Args:
        output: of the run; the journal is the folder `OUTPUT.partial` beside it.
        process: number of this process, from 0.
        processes: how many there are.
    """

    def __init__(self, output: Path, process: int = 0, processes: int = 1) -> None:
        self.output = output
        self.folder = output.with_name(f"{output.name}.partial")
        self.process = process
        self.processes = processes
        self._shard: Shard | None = None
        self._images = self.folder / "images.txt"

    def __str__(self) -> str:
        return str(self.folder)

    def identity(self, facts: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
        """Say what the run depends on.

        Args:
            facts: whatever the steps depend on besides the images, as JSON values.
            names: of the images, in their order.
        """
        return json.loads(json.dumps({**facts, "processes": self.processes, "images": _digest(names)}))

    def open(self, identity: Mapping[str, Any], names: Sequence[str], *, restart: bool) -> None:
        """Take up what an unfinished run left, or begin.

        Args:
            identity: what the run depends on, as `identity` says it.
            names: of the images, in their order, so that a difference can be told; a part of a run gives none, since
                its folder would hold those of all parts.
            restart: whether to drop what an unfinished run left.

        Raises:
            JournalError: saying what differs, if what is there is not of this run; if that run is not over; or if
                a file has the name of its folder.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise JournalError(
                f"Expected {str(self.folder)!r} to be free for the journal of this run, but it is a file; move it, or "
                "give another output"
            ) from None
        self._shard = Shard(self._path(self.process))
        here = dict(identity)
        try:
            there = None if restart else next(self._shard.blocks(), None)
            if there is None:
                self._begin(self._shard, here, names)
            else:
                self._require(there.facts, here, names)
        except BaseException:
            self.close()
            raise

    def earlier(self) -> dict[str, Any]:
        """Return the identity of the run that this process has left unfinished; nothing if there is none."""
        block = next(read_blocks(self._path(self.process)), None) if self._path(self.process).exists() else None
        return dict(block.facts) if block else {}

    def done(self) -> Iterator[Block]:
        """Yield the steps that this process has done, in order; to be exhausted before the next one is appended."""
        if self._shard is not None:
            yield from islice(self._shard.blocks(), 1, None)

    def append(self, block: Block) -> None:
        """Record a step.

        Raises:
            JournalError: if the disk is full or fails.
        """
        if self._shard is None:
            raise JournalError("the journal is not open")
        try:
            self._shard.append(block)
        except OSError as error:
            raise JournalError(
                f"{str(self.folder)!r} cannot be written to: {error.strerror}; what is in it stays, and the same "
                "command goes on with it"
            ) from error

    def close(self) -> None:
        """Let this process's shard go."""
        if self._shard is not None:
            self._shard.close()
            self._shard = None

    def abandon(self) -> None:
        """Let this process's shard go; without a step in it there is nothing to go on with, and it is deleted."""
        if self._shard is not None:
            is_empty = next(self.done(), None) is None
            self.close()
            if is_empty:
                self._path(self.process).unlink(missing_ok=True)
                self._delete_if_unused()

    def steps(self) -> list[Iterator[Block]]:
        """Give, for every process, the blocks of its steps; all processes must have closed their shards."""
        return [islice(read_blocks(self._path(process)), 1, None) for process in range(self.processes)]

    def _delete_if_unused(self) -> None:
        if not any(self.folder.glob("*.shard")):
            self._images.unlink(missing_ok=True)
            with suppress(OSError):
                self.folder.rmdir()

    def remove(self) -> None:
        """Delete the journal, and nothing else in its folder."""
        for shard in self.folder.glob("[0-9]*.shard"):  # perhaps of more processes than these, before a restart
            shard.unlink()
        self._delete_if_unused()

    def _path(self, process: int) -> Path:
        return self.folder / f"{process}.shard"

    def _begin(self, shard: Shard, identity: dict[str, Any], names: Sequence[str]) -> None:
        shard.clear()
        if self.process == 0 and names:
            with atomic_write(self._images, NAMES) as place, place.open("w", encoding="ascii") as file:
                file.writelines(f"{json.dumps(name)}\n" for name in names)
        self.append(Block(identity))

    def _require(self, there: dict[str, Any], here: dict[str, Any], names: Sequence[str]) -> None:
        if there == here:
            return
        found = list(differences({**there, "images": None}, {**here, "images": None}))
        if there.get("images") != here["images"]:
            found.append(f"images: {self._changes(there.get('images'), names)}")
        raise JournalError(
            f"{str(self.folder)!r} holds an unfinished run that differs from this one: {'; '.join(found)}. Finish it "
            "with its own command, give this one another --output, or begin anew with --restart=true"
        )

    def _changes(self, there: Any, names: Sequence[str]) -> str:
        """Say which images came and went, as far as that is known."""
        with suppress(OSError, ValueError):
            listed = [json.loads(line) for line in self._images.read_text(encoding="ascii").splitlines()]
            if _digest(listed) == there:
                return list_difference(listed, names)
        return "others than these"


def _digest(names: Sequence[str]) -> dict[str, Any]:
    return {"count": len(names), "sha256": names.digest() if isinstance(names, Digested) else digest_of(names)}


def differences(
    there: Mapping[str, Any], here: Mapping[str, Any], text: str = "{} was {}, now is {}", path: str = ""
) -> Iterator[str]:
    """Yield, for every value that is not the same in both, a text with its dotted name and the two values."""
    for key in {**there, **here}:
        one, other = there.get(key), here.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from differences(one, other, text, f"{path}{key}.")
        elif one != other:
            yield text.format(f"{path}{key}", _shown(one), _shown(other))


def list_difference(there: Sequence[str], here: Sequence[str]) -> str:
    """Say which names came and went."""
    gone, new = sorted(set(there) - set(here)), sorted(set(here) - set(there))
    parts = [f"{len(names):,} {what} ({_first(names)})" for what, names in (("gone", gone), ("new", new)) if names]
    return ", ".join(parts) or "in another order"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
