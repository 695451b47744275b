"""Copying, moving and linking files to another folder: nothing is overwritten, nothing is lost, and a run may go on."""

import filecmp
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from froq_lightning.atomic_write import atomic_write, fsync
from froq_lightning.errors import ConfigurationError

Action = Literal["copy", "move", "link"]


@dataclass(frozen=True)
class Plan:
    """What is to be done with files, found out before one is touched.

    Args:
        action: copy, move, or link: a symbolic link to the file.
        todo: pairs of a file and its place.
        done: of these, as many lie there already with the same content.
        missing: files that do not exist.
    """

    action: Action
    todo: Sequence[tuple[Path, Path]]
    done: int
    missing: Sequence[Path]

    def carry_out(self) -> None:
        """Do it, file by file; every file appears whole or not at all.

        Raises:
            ConfigurationError: at the first that cannot be done, with the reason; those before it stay done.
        """
        run = {"copy": _copy, "move": _move, "link": _link}[self.action]
        for file, place in self.todo:
            try:
                run(file, place)
            except OSError as error:
                raise ConfigurationError(
                    f"cannot {self.action} {str(file)!r} to {str(place)!r}: {error.strerror}; the same command goes on "
                    "with what is done"
                ) from error


def plan_transfer(action: Action, pairs: Sequence[tuple[Path, Path]]) -> Plan:
    """Look at files and at the places that they are to go to.

    A file that lies at its place with the same content is done already, and so is one that is to be moved, is gone,
    and whose place is taken.

    Args:
        action: copy, move or link.
        pairs: of a file and its place.

    Raises:
        ConfigurationError: if a place is taken by something else, or wanted twice; nothing is touched then.
    """
    todo, missing, done = [], [], 0
    places: set[Path] = set()
    for file, place in pairs:
        if place in places:
            raise ConfigurationError(f"two images are to go to {str(place)!r}; nothing was touched")
        places.add(place)
        _require_folders(place)
        if not file.is_file():
            if action == "move" and place.is_file():
                done += 1
            else:
                missing.append(file)
        elif not os.path.lexists(place):
            todo.append((file, place))
        elif action == "move" and place.is_symlink():
            raise ConfigurationError(
                f"{str(place)!r} is a link, for which {str(file)!r} is not given up; nothing was touched"
            )
        elif not place.is_file() or not filecmp.cmp(file, place, shallow=False):
            raise ConfigurationError(
                f"{str(place)!r} holds something else than {str(file)!r}; nothing was touched: move it, or give "
                "another folder"
            )
        elif action == "move" and not _is_same_entry(file, place):
            todo.append((file, place))  # was copied, but not removed yet
        else:
            done += 1
    return Plan(action, todo, done, missing)


def _require_folders(place: Path) -> None:
    """Refuse a place below something that is no folder."""
    above = next(folder for folder in place.parents if os.path.lexists(folder))
    if not above.is_dir():
        raise ConfigurationError(
            f"{str(above)!r} is no folder, but {str(place)!r} is to lie in it; nothing was touched"
        )


def _copy(file: Path, place: Path) -> None:
    with atomic_write(place, lambda _: False) as partial:
        shutil.copy2(file, partial)


def _move(file: Path, place: Path) -> None:
    """Give a file its new name, or copy it where that is another file system, before the old name goes."""
    if not os.path.lexists(place):
        _add_name(file, place)
    elif not filecmp.cmp(file, place, shallow=False):  # again, now that the file is to go
        raise ConfigurationError(f"{str(place)!r} has changed meanwhile, and {str(file)!r} was left where it is")
    fsync(place)
    fsync(place.parent)
    file.unlink()


def _add_name(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if not file.is_symlink():  # of a link the content goes, since its target may be named from where it lies
        try:
            os.link(file, place)  # unlike renaming, never replaces a file
        except FileExistsError:
            raise
        except OSError:  # another file system, or one without hard links
            pass
        else:
            return
    _copy(file, place)


def _link(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(file.absolute())


def _is_same_entry(file: Path, place: Path) -> bool:
    """Whether two paths are one name of one file, in whatever way its folder is reached."""
    return file.name == place.name and file.parent.samefile(place.parent)
