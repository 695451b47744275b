"""A real run of `froq` in processes of its own that can be killed, and what it should leave behind."""

import csv
import os
import resource
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from froq_lightning.cli import main

# A process whose partner died may wait this long for it.
PATIENCE = 20.0


@dataclass
class Run:
    """A command, started as often as it takes.

    Args:
        arguments: of `froq`.
        output: the file that the command publishes.
        results: names of the files beside it that must be the same, whatever happened.
        processes: how many work on it.
    """

    arguments: list[str]
    output: Path
    results: tuple[str, ...]
    processes: int = 1
    pids: list[int] = field(default_factory=list)

    def start(self, prepare: Callable[[], None] = lambda: None) -> None:
        """Start all processes; `prepare` is called in each before the command."""
        port = _free_port()
        self.pids = [self._fork(rank, port, prepare) for rank in range(self.processes)]

    def wait(self, seconds: float = 600.0) -> list[int]:
        """Wait for all processes, and end those that are late; return their exit statuses, -9 for a killed one."""
        until = time.monotonic() + seconds
        statuses = []
        for pid in self.pids:
            while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < until:
                time.sleep(0.01)
            if not ended[0]:
                os.kill(pid, signal.SIGKILL)
                ended = os.waitpid(pid, 0)
            statuses.append(os.waitstatus_to_exitcode(ended[1]))
        self.pids = []
        return statuses

    def kill(self, ranks: list[int]) -> bool:
        """Kill some processes; the others are given time to end. Return whether any was still alive."""
        alive = False
        for rank in ranks:
            alive = alive or os.waitid(os.P_PID, self.pids[rank], os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
            with suppress(ProcessLookupError):
                os.kill(self.pids[rank], signal.SIGKILL)
        self.wait(PATIENCE)
        return alive

    def journal(self) -> Path:
        """Return the folder of the journal."""
        return self.output.with_name(f"{self.output.name}.partial")

    def contents(self) -> dict[str, bytes | None]:
        """Return the content of every result; None for one that is not there."""
        paths = {name: self.output.with_name(name) for name in self.results}
        return {name: path.read_bytes() if path.exists() else None for name, path in paths.items()}

    def rows(self) -> list[dict[str, str]]:
        """Return the rows of the table among the results."""
        table = next(name for name in self.results if name.endswith(".csv"))
        with self.output.with_name(table).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def leftovers(self) -> set[str]:
        """Name what lies beside the results and should not."""
        expected = {*self.results, self.output.with_suffix(".config.yaml").name, "observer.layers.csv", "log.txt"}
        return {path.name for path in self.output.parent.iterdir()} - expected

    def _fork(self, rank: int, port: int, prepare: Callable[[], None]) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            self.output.parent.mkdir(parents=True, exist_ok=True)
            log = os.open(self.output.parent / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            if self.processes > 1:
                place = {"RANK": rank, "LOCAL_RANK": rank, "NODE_RANK": 0, "WORLD_SIZE": self.processes}
                here = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
                os.environ.update({name: str(value) for name, value in {**place, **here}.items()})
            prepare()
            status = main(self.arguments)
        except BaseException as error:  # the process ends here, whatever happened
            print(f"ended by {type(error).__name__}: {error}", flush=True)
            status = 1
        os._exit(status)


def lost_and_doubled(rows: list[dict[str, str]], expected: list[str]) -> tuple[int, int]:
    """Count the images without a row, and the rows that are too many."""
    found = Counter(row["image"] for row in rows)
    lost = sum(image not in found for image in expected)
    return lost, len(rows) - len(found) + sum(image not in expected for image in found)


def limit_files(size: int) -> None:
    """Let this process write no file beyond a size, as on a disk that is full then."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
