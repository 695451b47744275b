"""`--fail-under`: whether all images of a run are good enough."""

from froq_lightning.callbacks.ranked_run import RankedRun
from froq_lightning.errors import ConfigurationError
from froq_lightning.terminal import complain, tell

NOTHING_SCORED = "no image could be scored"


def require_gate(least: float | None) -> None:
    """Refuse what is no quality.

    Raises:
        ConfigurationError: for a number outside of 0..100.
    """
    if least is not None and not 0 <= least <= 100:
        raise ConfigurationError(f"Expected --fail-under to be a quality from 0 to 100, but got {least:g}")


def close_gate(run: RankedRun, least: float | None) -> bool:
    """Return whether images are below a quality, or failed; if so, say how many, and which is the worst.

    Args:
        run: ranked with the same quality as `fail_under`.
        least: quality that every image should have; None asks for nothing.
    """
    if least is None:
        return False
    is_closed = bool(run.below or run.failed)
    tell(gate={"fail_under": least, "below": run.below, "failed": run.failed, "passed": not is_closed})
    if is_closed:
        total = run.ranking.count + run.failed
        complain(f"{run.below:,} of {total:,} images are below quality {least:g}, {run.failed:,} failed; {_worst(run)}")
    return is_closed


def _worst(run: RankedRun) -> str:
    """Name the image of the lowest quality that is below, or else the first one that failed."""
    if run.below:
        worst = run.ranking.best_first()[-1]
        return f"the worst is {worst.image} with quality {worst.quality}"
    failure = run.failures[0]
    return f"the first is {failure.image}: {failure.reason}"
