"""File names as text that is safe in terminals, tables and pages, and that leads back to the name."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from itertools import islice
from json.encoder import encode_basestring_ascii
from pathlib import Path

HASHED_AT_ONCE = 1000

# Unicode categories: control and format characters (such as those that reverse the direction of text), separators of
# lines and paragraphs, and surrogates, which stand for bytes that are no UTF-8.
_HARMFUL_KINDS = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
_ESCAPE = re.compile(r"\\(?:\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4})")
# A spreadsheet evaluates a cell that begins with one of these, perhaps behind spaces; the last four are full-width.
_SIGN = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(rf"\s*{_SIGN}")
# The same where a semicolon separates cells.
_NEXT_FORMULA = re.compile(rf';(?=[\s"]*{_SIGN})')


def escape_name(name: str) -> str:
    r"""Return the text that stands for a name in every output; most names are their own.

    Harmful characters are written as escapes (`\x1b`, `\u202e`), and backslashes are doubled in names that have such
    characters or look as if they had. A path that a spreadsheet would evaluate gets `./` in front: the same path.
    """
    text = _flat(name)
    if text != name or _ESCAPE.search(name):
        text = _flat(name.replace("\\", r"\\"))
    return f"./{text}" if _FORMULA.match(text) else text


def unescape_name(text: str) -> str:
    """Return the name that `escape_name` gave a text for; without a `./` in front, which is the same path."""
    return _ESCAPE.sub(_unescaped, text.removeprefix("./"))


def resolve_name(root: Path, text: str) -> str:
    """Return the name of the file that a list means: the text itself, the name that it escapes, or another spelling.

    Other spellings have Windows' backslashes between folders, or compose accents differently (NFC, NFD).
    """
    if (text.isascii() and "\\" not in text) or os.path.lexists(root / text):
        return text
    usual = unescape_name(text) if _ESCAPE.search(text) else text
    spellings = [usual, text.replace("\\", "/")]
    spellings += [unicodedata.normalize(form, name) for name in spellings for form in ("NFC", "NFD")]
    return next((name for name in spellings if os.path.lexists(root / name)), usual)


def is_below(root: Path, path: Path) -> bool:
    """Whether a path is below a folder; symbolic links in it may still lead elsewhere."""
    return Path(os.path.normpath(path.absolute())).is_relative_to(os.path.normpath(root.absolute()))


def exists(path: Path) -> bool:
    """Whether a path exists; False for one that is too long, or that no file can have."""
    return os.path.exists(path)  # noqa: PTH110 - that of pathlib raises for them


def escape_cell(text: str) -> str:
    """Return text as a table cell on one line that no spreadsheet evaluates; not reversible."""
    flat = _flat(text)
    return f"'{flat}" if _FORMULA.match(flat) and not _is_number(flat) else flat


def _flat(text: str) -> str:
    """Write harmful characters as escapes."""
    parted = _NEXT_FORMULA.sub(r"\\x3b", text)
    if parted.isprintable():  # as most are
        return parted
    return "".join(_escaped(char) if unicodedata.category(char) in _HARMFUL_KINDS else char for char in parted)


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _unescaped(found: re.Match[str]) -> str:
    escape = found[0]
    return "\\" if escape == r"\\" else chr(int(escape[2:], 16))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def digest_of(names: Iterable[str]) -> str:
    """Return the SHA-256, in lower-case hex, of names in their order, a line of JSON each."""
    digest, left = hashlib.sha256(), iter(names)
    while block := list(islice(left, HASHED_AT_ONCE)):
        digest.update("".join(f"{encode_basestring_ascii(name)}\n" for name in block).encode("ascii"))
    return digest.hexdigest()
