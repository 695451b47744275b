"""What `test` will run, and how long that takes, for the terminal: printed before the first image."""

from collections.abc import Iterator, Mapping

from froq_lightning.methods.plan import Plan, PlannedMethod
from froq_lightning.terminal import Line, Part, Table

# Of less than this share of a pass nothing is said: it is within what times vary by.
LITTLE = 0.05


def plan_lines(plans: Mapping[str, Plan], images: int, processes: int = 1) -> Iterator[Part]:
    """Describe the passes of a run.

    Args:
        plans: of every network by its name, "" for the first.
        images: that this process is to score.
        processes: of the run.
    """
    seconds = sum(plan.seconds(images) for plan in plans.values())
    where = f" of this process, one of {processes}" if processes > 1 else ""
    yield Line(f"plan for {images:,} images{where}: about {duration(seconds)} of passes", "title")
    for name, plan in plans.items():
        if name:
            yield f"on {name}"
        rows = [["embeddings, shared by the methods", "1.0", duration(images * plan.pass_milliseconds / 1000)]]
        rows += [_row(method, images) for method in plan.methods]
        yield Table(["method", "passes an image", "time"], rows)
        yield from (f"  {method.name} cannot work here: {method.refusal}" for method in plan.methods if method.refusal)


def _row(method: PlannedMethod, images: int) -> list[str]:
    if method.refusal:
        return [method.name, "refused", "-"]
    passes = f"{method.passes:.1f} more" if method.passes >= LITTLE else "shared"
    return [method.name, passes, duration(images * method.milliseconds / 1000)]


def duration(seconds: float) -> str:
    """Write a time in the largest unit of which there are two or more: 90 s, 40 min, 3 h."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else "less than 1 s"
