"""What can go wrong, as one small family: every class is also the builtin a caller would catch."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_MESSAGE = 2000


class FroqError(Exception):
    """Root of the family: bad input or configuration, told in one sentence a user can act on.

    Errors quote what they refuse, which may be of any length: the middle of a long message is left out.
    """

    def __str__(self) -> str:
        message = super().__str__()
        if len(message) <= LONGEST_MESSAGE:
            return message
        return f"{message[: LONGEST_MESSAGE // 2]} … {message[-LONGEST_MESSAGE // 2 :]}"


class ConfigurationError(FroqError, ValueError):
    """The asked-for combination of options cannot work."""


class UnknownNameError(FroqError, LookupError):
    """A backbone, aligner, layer or option of that name does not exist."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> "UnknownNameError":
        """Build the error that names the nearest existing names, or all of them if none is near."""
        names = sorted(set(known))
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        if near:
            return cls(f"unknown {kind} {name!r}; nearest: {', '.join(near)}")
        listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        return cls(f"unknown {kind} {name!r}; there is: {listed or 'none installed'}")


class ExtensionError(FroqError, ImportError):
    """What an installed distribution registered cannot be imported, or keeps no contract."""


class BackboneError(FroqError, ValueError):
    """A backbone broke its contract or could not be built, or a method cannot work on its network."""


class WeightsError(FroqError, ValueError):
    """A checkpoint cannot be read, or does not fit the network."""


class DownloadError(FroqError, OSError):
    """A file from the hub or the web could not be fetched, or is not the one that it should be."""


class ObserverError(FroqError, ValueError):
    """An Observer file is damaged, or was made for another network."""


class DataError(FroqError, ValueError):
    """The images or labels, taken as a whole, cannot be used."""


class StoreError(DataError):
    """An object store or web server does not answer, or does not take what it is to store; later it may."""


class TrialsError(DataError):
    """The comparison trials do not allow an evaluation."""


class DataNotFoundError(FroqError, FileNotFoundError):
    """A path that should be read does not exist."""


class JournalError(FroqError, ValueError):
    """What an unfinished run left cannot be gone on with."""


class CalibrationError(FroqError, ValueError):
    """The calibration set does not allow layers to be chosen."""


class ImageError(FroqError, ValueError):
    """One image cannot be used; its text becomes the reason in that image's row."""
