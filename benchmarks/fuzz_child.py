"""Reads changed files in a process of its own, which may crash, hang or fill its memory without harm to others."""

import faulthandler
import multiprocessing
import resource
import signal
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import torch
from fuzz_mutations import mutated
from fuzz_readers import Reader
from fuzz_seeds import write

from froq_lightning.errors import FroqError

LONGEST_MESSAGE = 2_500
SECONDS_TO_ANSWER = 120.0


@dataclass(frozen=True)
class Limits:
    """What one file may cost: seconds of CPU, and megabytes on top of what the process had."""

    seconds: float = 5.0
    megabytes: float = 1000.0


@dataclass(frozen=True)
class Outcome:
    """What came of a file.

    Args:
        kind: "read", "refused", or what went wrong.
        told: the refusal, or the traceback.
        seconds: of CPU.
        megabytes: the peak, on top of what the process had.
    """

    kind: str
    told: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0

    @property
    def is_finding(self) -> bool:
        """Whether something went wrong."""
        return self.kind not in ("read", "refused")


class Child:
    """A process that reads the changed files of a reader, by their numbers; it starts anew after a crash."""

    def __init__(self, reader: Reader, limits: Limits) -> None:
        self.reader = reader
        self.limits = limits
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self.reader, self.limits, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def read(self, number: int) -> Outcome:
        """Read the changed files of that number."""
        self._connection.send(number)
        try:
            if self._connection.poll(SECONDS_TO_ANSWER):
                return self._connection.recv()
            kind = f"no answer in {SECONDS_TO_ANSWER:.0f} s"
        except EOFError:
            self._process.join()
            code = self._process.exitcode or 0
            kind = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
            kind = f"more than {self.limits.seconds} s" if -code == signal.SIGPROF else kind
        self.close()
        self._start()
        return Outcome(kind)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()


def write_case(reader: Reader, number: int, folder: Path) -> None:
    """Write the valid files of a reader below a folder, one of them changed; the same number gives the same."""
    random = Random(f"{reader.name} {number}")  # noqa: S311 - no secret
    files = dict(random.choice(reader.seeds))
    others = [content for seed in reader.seeds for content in seed.values()]
    changed = random.choice([*files])
    files[changed] = mutated(files[changed], random, others, reader.words)
    write(files, folder)


def _serve(reader: Reader, limits: Limits, connection: Connection) -> None:
    torch.set_num_threads(1)  # threads of the process that this one was forked from are not here
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()  # a crash is told by how the process ends
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    while True:
        try:
            number = connection.recv()
        except EOFError:
            return
        with tempfile.TemporaryDirectory() as name:
            write_case(reader, number, Path(name))
            connection.send(_outcome(reader, Path(name), limits))


def _outcome(reader: Reader, folder: Path, limits: Limits) -> Outcome:
    before, start = _reset_peak(), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, limits.seconds)
    try:
        reader.read(folder)
        kind, told = "read", ""
    except FroqError as error:
        kind, told = "refused", f"{type(error).__name__}: {error}"
        if len(told) > LONGEST_MESSAGE:
            kind = f"a message of {len(told):,} characters"
    except BaseException as error:  # this is what is looked for
        kind, told = type(error).__name__, traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    seconds, megabytes = time.process_time() - start, (_status("VmHWM") - before) / 1024
    if megabytes > limits.megabytes:
        kind = f"{megabytes:.0f} MB"
    return Outcome(kind, told, seconds, megabytes)


def _reset_peak() -> int:
    """Have the kernel forget the peak of this process's memory; return what it has now, in kB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(key: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1])
