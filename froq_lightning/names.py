"""Names that strangers chose, as text that harms no terminal, table or page, and that tells the name again."""

import os
import re
import unicodedata
from pathlib import Path

# Control and format characters (among them those that turn the direction of text), separators of lines and paragraphs,
# and what stands for bytes that are no UTF-8.
_HARMFUL_KINDS = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
_ESCAPE = re.compile(r"\\(?:\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4})")
# A spreadsheet runs a cell that begins so, perhaps behind spaces; the last ones are their wide forms.
_SIGN = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(rf"\s*{_SIGN}")
# Where semicolons separate cells, such a cell begins here.
_NEXT_FORMULA = re.compile(rf';(?=[\s"]*{_SIGN})')


def escape_name(name: str) -> str:
    r"""Return the text that stands for a name in every output; most names are their own.

    Harmful characters are written as escapes (`\x1b`, `\u202e`), and backslashes are doubled in names that have such
    characters or look as if they had. A path that a spreadsheet would run begins with `./`, which is the same path.
    """
    text = _flat(name)
    if text != name or _ESCAPE.search(name):
        text = _flat(name.replace("\\", r"\\"))
    return f"./{text}" if _FORMULA.match(text) else text


def unescape_name(text: str) -> str:
    """Return the name that `escape_name` gave a text for; without a `./` in front, which is the same path."""
    return _ESCAPE.sub(_unescaped, text.removeprefix("./"))


def resolve_name(root: Path, text: str) -> str:
    """Return the name of the file that a list names: by its name, the text that stands for that, or another spelling.

    Other spellings have the backslashes of Windows between folders, or put accents together otherwise (NFC, NFD).
    """
    if (text.isascii() and "\\" not in text) or os.path.lexists(root / text):
        return text
    usual = unescape_name(text) if _ESCAPE.search(text) else text
    spellings = [usual, text.replace("\\", "/")]
    spellings += [unicodedata.normalize(form, name) for name in spellings for form in ("NFC", "NFD")]
    return next((name for name in spellings if os.path.lexists(root / name)), usual)


def resolve_path(root: Path, text: str) -> Path:
    """Return the file that a list names, however it spells the name."""
    return root / resolve_name(root, text)


def is_below(root: Path, path: Path) -> bool:
    """Tell whether a path stays in a folder; symbolic links in it may lead elsewhere."""
    return Path(os.path.normpath(path.absolute())).is_relative_to(os.path.normpath(root.absolute()))


def exists(path: Path) -> bool:
    """Tell whether a path leads to something; one that is too long, or that no file can have, does not."""
    return os.path.exists(path)  # noqa: PTH110 - that of pathlib raises for them


def escape_cell(text: str) -> str:
    """Return text as a cell that stays on its line and that no spreadsheet runs; what it was may not be told again."""
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
