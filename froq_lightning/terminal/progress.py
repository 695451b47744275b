"""How far a run is, on standard error: a bar on a terminal, elsewhere a line now and then."""

import sys
import time
from collections import deque

from froq_lightning.terminal.console import clear_screen, current_output, is_terminal, set_clearing

SECONDS_BETWEEN_DRAWINGS = 0.2
# In the log of a job; a run that takes less says nothing there.
SECONDS_BETWEEN_LINES = 30.0
# Over these the speed is measured.
WINDOW = 30.0
# To its beginning, and what is there is gone.
CLEAR_LINE = "\r\x1b[2K"


class Progress:
    """The images that are done.

    There is no thread, which processes that are forked would have to fear, and the cursor is never hidden: however the
    run ends, nothing has to be restored.

    Args:
        what: is done with the images.
        total: how many there are; None if that is not known.
        done: how many an earlier run has done.
        scale: of the numbers of this process to those of all.
    """

    def __init__(self, what: str, total: int | None, done: int = 0, scale: float = 1.0) -> None:
        self.what = what
        self.total = total
        self.done = self._first = done
        self.failed = 0
        self.scale = scale
        self._started = self._shown = time.monotonic()
        self._samples = deque([(self._started, done)])
        self._is_shown = False
        is_quiet = current_output().quiet
        self._is_bar, self._is_log = is_terminal(sys.stderr) and not is_quiet, not is_quiet
        if self._is_bar:
            set_clearing(self.clear)
            self._draw()

    def advance(self, images: int, failed: int) -> None:
        """Count images of a batch, and show them if it is time to."""
        self.done += images
        self.failed += failed
        now = time.monotonic()
        if now - self._shown < (SECONDS_BETWEEN_DRAWINGS if self._is_bar else SECONDS_BETWEEN_LINES):
            return
        self._shown = now
        self._samples.append((now, self.done))
        while len(self._samples) > 2 and self._samples[1][0] < now - WINDOW:
            self._samples.popleft()
        if self._is_bar:
            self._draw()
        elif self._is_log:
            print(f"{self.what}: {self.text()}", file=sys.stderr, flush=True)

    def text(self) -> str:
        """Say how many images are done, how fast, how long the others will take, and how many failed."""
        about = "about " * (self.scale != 1)
        images = f"{about}{self._of_all(self.done):,}"
        if self.total is not None:
            images += f" of {self._of_all(self.total):,}"
        parts = [f"{images} images"]
        (start, first), (end, last) = self._samples[0], self._samples[-1]
        if last > first:
            rate = (last - first) / (end - start)
            parts.append(_rate(rate * self.scale))
            if self.total is not None and self.total > self.done:
                parts.append(f"{_duration((self.total - self.done) / rate)} left")
        if self.failed:
            parts.append(f"{'at least ' * (self.scale != 1)}{self.failed:,} failed")
        return ", ".join(parts)

    def end(self, then: str = "") -> None:
        """Leave a last line with the speed of the whole run.

        Args:
            then: what comes next, and is on the screen until something else is printed.
        """
        now = time.monotonic()
        self._samples = deque([(self._started, self._first), (max(now, self._started + 1e-6), self.done)])
        if not self._is_bar:
            return
        if self.done > self._first:
            self._draw(f"{self.text()}, took {_duration(now - self._started)}", with_bar=False)
            sys.stderr.write("\n")
            self._is_shown = False
        if then:
            self.what = f"{then} …"
            self._draw("", with_bar=False)

    def stop(self) -> None:
        """Leave the screen to an error, below what is done so far."""
        if self._is_bar:
            sys.stderr.write("\n" * self._is_shown)
            set_clearing(None)

    def clear(self) -> None:
        """Take the bar from the screen, since something else is printed."""
        if self._is_shown:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()
        self._is_shown = False

    def _draw(self, text: str | None = None, *, with_bar: bool = True) -> None:
        from froq_lightning.terminal.bar import bar_line  # noqa: PLC0415 - imports Rich

        share = self.done / self.total if self.total and with_bar else None
        line = bar_line(sys.stderr, self.what, share, self.text() if text is None else text)
        sys.stderr.write(CLEAR_LINE + line)
        sys.stderr.flush()
        self._is_shown = True

    def _of_all(self, images: int) -> int:
        return round(images * self.scale)


def forget_progress() -> None:
    """Take what is left of a progress from the screen; nothing is cleared any more."""
    clear_screen()
    set_clearing(None)


def _rate(images: float) -> str:
    return f"{images:,.0f} images/s" if images >= 100 else f"{images:.3g} images/s"


def _duration(seconds: float) -> str:
    """Write a time as 1:02:03, or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
