"""`froq select`: images, and templates of them, chosen by the scores that `froq predict` wrote."""

import argparse
import os
from collections.abc import Iterator
from itertools import compress
from pathlib import Path

import numpy as np

from froq_lightning.atomic_write import Signature
from froq_lightning.cli.option_paths import expand_home
from froq_lightning.cli.output_paths import require_output
from froq_lightning.cli.scored_images import CLUSTERS, ScoredImages, read_images
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.subject_names import SUBJECT
from froq_lightning.errors import ConfigurationError, DataNotFoundError
from froq_lightning.formats.format import find_format, require_suffix, write_file
from froq_lightning.formats.table import delimiter_of, table_signature, write_table
from froq_lightning.formats.templates import SubjectTemplates
from froq_lightning.names import is_below
from froq_lightning.subjects.choice import NOBODY, Choice, Integers, choose
from froq_lightning.subjects.templates import join_templates, quality_weights
from froq_lightning.terminal import Line, Part, Table, complain, show, tell, wrote
from froq_lightning.transfer import Plan, plan_transfer

TABLES = [".csv", ".tsv", ".txt"]
COLUMNS = ("image", SUBJECT, "quality_score", "quality", "reason")
TEMPLATE_COLUMNS = (SUBJECT, "images")
MOST_LISTED = 10
DONE = {"copy": "copied", "move": "moved", "link": "linked"}


def run_select(options: argparse.Namespace) -> int:
    """Select, print what was selected, and write it; return 1 if images to be copied, moved or linked are missing.

    Args:
        options: of the command line.

    Raises:
        FroqError: if an option cannot work, or a file cannot be used; nothing is written then.
    """
    options = argparse.Namespace(**expand_home(vars(options)))
    choice = Choice(options.min_quality, options.best_per_subject, options.worst)
    _require_options(options, choice)
    images = read_images(options)
    _require_outputs(options)
    chosen = choose(choice, images.scores, images.quality, images.numbers)
    show(*_summary(images, choice, chosen, for_templates=bool(options.templates)))
    scored = int(np.isfinite(images.scores).sum())
    tell(images={"total": len(images.rows), "scored": scored, "failed": len(images.rows) - scored})
    tell(selected=len(chosen))
    plan = _plan(options, [images.rows[place].image for place in chosen]) if _is_folder(options.to) else None
    if options.templates:
        _write_templates(Path(options.templates), images, chosen)
    if plan is not None:
        return _transfer(plan, options)
    rows = [_cells(images, place) for place in chosen]
    if options.to:
        write_table(Path(options.to), COLUMNS, rows)
        wrote("list", options.to)
    elif not options.templates:
        show(Table(COLUMNS, [list(map(str, row)) for row in rows[:MOST_LISTED]]))
        show(*[f"  … {len(rows) - MOST_LISTED:,} more; --to writes all"] * (len(rows) > MOST_LISTED))
        tell(rows=[dict(zip(COLUMNS, _values(images, place), strict=True)) for place in chosen])
    return 0


def _require_options(options: argparse.Namespace, choice: Choice) -> None:
    if choice.is_empty and not options.templates:
        raise ConfigurationError(
            "Expected --best-per-subject, --worst, --min-quality or --templates, but nothing was given"
        )
    if options.templates and not options.embeddings:
        raise ConfigurationError("--templates joins embeddings: give --embeddings of the run that made the scores")
    if options.templates and choice.worst is not None:
        raise ConfigurationError("--templates and --worst were given: templates of the worst images are not made")
    if options.subjects == CLUSTERS and not (options.embeddings and options.same_above is not None):
        raise ConfigurationError(
            "--subjects clusters wants --embeddings of the run that made the scores, and --same-above: the mean cosine "
            "similarity above which two clusters are one subject; the README has values for some networks"
        )
    if options.subjects != CLUSTERS and options.same_above is not None:
        raise ConfigurationError("--same-above is of --subjects clusters, which was not given")
    if options.to and not _is_folder(options.to):
        require_suffix("the list", Path(options.to), TABLES)
    if (options.action or options.yes) and not _is_folder(options.to):
        raise ConfigurationError("--action and --yes are of images that go to a folder; give it as --to FOLDER/")
    if _is_folder(options.to) != bool(options.source):
        raise ConfigurationError("--source, the folder that was scored, and --to FOLDER belong together; give both")


def _require_outputs(options: argparse.Namespace) -> None:
    """Refuse outputs that are inputs, or that would replace other files."""
    named = {"SCORES": options.scores, "--embeddings": options.embeddings, "--subjects": options.subjects}
    inputs = {name: Path(path) for name, path in named.items() if path and Path(path).is_file()}
    outputs: list[tuple[Path, Signature]] = []
    if options.to and not _is_folder(options.to):
        outputs.append((Path(options.to), table_signature(COLUMNS, delimiter_of(Path(options.to)))))
    if options.templates:
        path = Path(options.templates)
        outputs += [(path, find_format(path, "embeddings").is_own)]
        outputs += [(path.with_suffix(".csv"), table_signature(TEMPLATE_COLUMNS))]
    if len({os.path.realpath(path) for path, _ in outputs}) < len(outputs):
        raise ConfigurationError(f"{options.to!r} is to be written twice: the subjects of the templates go there, too")
    for path, is_own in outputs:
        require_output(path, is_own, inputs)


def _summary(images: ScoredImages, choice: Choice, chosen: Integers, *, for_templates: bool) -> Iterator[Part]:
    scored, total = np.isfinite(images.scores), len(images.rows)
    conditions = [
        f"of quality {choice.min_quality:g} or more" if choice.min_quality is not None else "",
        f"the best {choice.best_per_subject} of each subject" if choice.best_per_subject else "",
        f"the worst {choice.worst}" if choice.worst else "",
    ]
    stated = ", ".join(filter(None, conditions)) or "all that were scored"
    yield Line(f"selected {len(chosen):,} of {total:,} images: {stated}", "title")
    if failed := total - int(scored.sum()):
        yield Line(f"{failed:,} could not be scored, and are never selected", "failure")
    if choice.best_per_subject is None and not for_templates:
        return
    good = scored & (images.quality >= (choice.min_quality or 0))
    if unknown := sum(not name for name in compress(images.subjects, good)):
        yield Line(f"{unknown:,} are of no known subject, and were left out", "remark")
    subjects = list(dict.fromkeys(filter(None, images.subjects)))
    able, selected = set(compress(images.subjects, scored)), {images.subjects[place] for place in chosen}
    yield from _named("have only images that failed", [name for name in subjects if name not in able])
    left_out = able - selected
    yield from _named("have only images of less quality", [name for name in subjects if name in left_out])


def _named(what: str, subjects: list[str]) -> Iterator[Part]:
    if subjects:
        more = ", …" if len(subjects) > MOST_LISTED else ""
        yield Line(f"subjects that {what}: {len(subjects):,} ({', '.join(subjects[:MOST_LISTED])}{more})", "remark")


def _cells(images: ScoredImages, place: int) -> tuple[object, ...]:
    image, subject, score, *others = _values(images, place)
    return image, subject, f"{score:.9g}", *others


def _values(images: ScoredImages, place: int) -> tuple[object, ...]:
    row = images.rows[place]
    return row.image, images.subjects[place], row.quality_score, row.quality, row.reason


def _write_templates(path: Path, images: ScoredImages, chosen: Integers) -> None:
    assert images.embeddings is not None  # noqa: S101 - required above
    chosen = chosen[images.numbers[chosen] != NOBODY]
    _, subject, count = np.unique(images.numbers[chosen], return_inverse=True, return_counts=True)
    names = list(dict.fromkeys(images.subjects[place] for place in chosen))
    weights = quality_weights(images.quality[chosen])
    joined = SubjectTemplates(names, join_templates(images.embeddings[chosen], weights, subject))
    write_file(find_format(path, "embeddings"), path, joined)
    table = path.with_suffix(".csv")
    write_table(table, TEMPLATE_COLUMNS, zip(names, count.tolist(), strict=True))
    show(Line(f"templates: {path}, a row for each of {len(names):,} subjects, as in {table}", "status"))
    tell(outputs={"templates": str(path), "subjects": str(table)})


def _is_folder(to: str | None) -> bool:
    if not to:
        return False
    return Path(to).is_dir() or to.endswith(("/", os.sep)) or not Path(to).suffix


def _plan(options: argparse.Namespace, images: list[str]) -> Plan:
    """Find the files of images, and their places: the names that they have below the folder that was scored."""
    source, to = Path(options.source), Path(options.to)
    root = source if source.is_dir() else source.parent  # of a manifest, or of a single image
    pairs = []
    for name in images:
        path = ImageRef.in_folder(root, name, confined=False).path
        if not is_below(root, path):
            raise ConfigurationError(
                f"{name!r} lies outside of {str(root)!r}, and so has no place in {options.to!r}; give a list as --to"
            )
        pairs.append((path, to / os.path.relpath(path, root)))
    plan = plan_transfer(options.action or "copy", pairs)
    if len(plan.missing) == len(images) > 0:
        raise DataNotFoundError(
            f"none of the {len(images):,} images is in {str(source)!r}, such as {str(plan.missing[0])!r}; give "
            "the folder that was scored as --source"
        )
    return plan


def _transfer(plan: Plan, options: argparse.Namespace) -> int:
    count, to = f"{len(plan.todo):,} images", options.to
    already = f"; {plan.done:,} are there already" if plan.done else ""
    if options.yes:
        plan.carry_out()
        show(Line(f"{DONE[plan.action]} {count} to {to}{already}", "status"))
    else:
        show(Line(f"would {plan.action} {count} to {to}{already}; nothing is touched without --yes", "status"))
    tell(action=plan.action, to=to, is_done=bool(options.yes), files=len(plan.todo), there_already=plan.done)
    tell(missing=[str(path) for path in plan.missing])
    if not plan.missing:
        return 0
    listed = ", ".join(map(str, plan.missing[:MOST_LISTED])) + (", …" if len(plan.missing) > MOST_LISTED else "")
    complain(f"{len(plan.missing):,} of the selected images are missing: {listed}")
    return 1
