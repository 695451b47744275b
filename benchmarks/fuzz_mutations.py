"""Files changed as accidents and attackers change them: bits, lengths and numbers; pieces doubled, lost or foreign."""

from collections.abc import Callable, Sequence
from random import Random

MOST_CHANGES = 6
MOST_BYTES = 2**22
BYTES = (0, 1, 0x0A, 0x20, 0x22, 0x2C, 0x2F, 0x5C, 0x7F, 0x80, 0xFE, 0xFF)
# Such lengths, counts and offsets overflow, or ask for all memory.
NUMBERS = (0, 1, -1, 2**7, 2**8, 2**15, 2**16, 2**24, 2**28, 2**30, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1)
DIGITS = b"0123456789"


def mutated(content: bytes, random: Random, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Change a file in a few ways.

    Args:
        content: of the file.
        random: source of chance; the same gives the same.
        others: files that pieces may come from.
        words: pieces that mean something in such a file.
    """
    changes: list[Callable[[bytes, Random], bytes]] = [
        _bit,
        _byte,
        _number,
        _digits,
        _cut,
        _lose,
        _double,
        lambda piece, chance: _insert(piece, chance.choice(words or (b"\0",)), chance),
        lambda piece, chance: _insert(piece, _slice(chance.choice(others), chance), chance),
    ]
    for _ in range(random.randint(1, MOST_CHANGES)):
        content = random.choice(changes)(content, random)[:MOST_BYTES]
    return content


def _bit(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content) + 1)
    return (
        content[:place]
        + bytes(byte ^ 1 << random.randrange(8) for byte in content[place : place + 1])
        + content[place + 1 :]
    )


def _byte(content: bytes, random: Random) -> bytes:
    return _overwrite(content, bytes([random.choice(BYTES)]), random)


def _number(content: bytes, random: Random) -> bytes:
    width = random.choice((1, 2, 4, 8))
    number = random.choice(NUMBERS) % 2 ** (8 * width)
    return _overwrite(content, number.to_bytes(width, random.choice(("little", "big"))), random)


def _digits(content: bytes, random: Random) -> bytes:
    """Replace a number in text."""
    start = random.randrange(len(content) + 1)
    start = next((place for place in range(start, len(content)) if content[place] in DIGITS), start)
    end = start
    while end < len(content) and content[end] in DIGITS:
        end += 1
    return content[:start] + str(random.choice(NUMBERS)).encode() + content[end:]


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _lose(content: bytes, random: Random) -> bytes:
    start = random.randrange(len(content) + 1)
    return content[:start] + content[start + random.randint(1, 64) :]


def _double(content: bytes, random: Random) -> bytes:
    start = random.randrange(len(content) + 1)
    end = start + random.randint(1, 256)
    return content[:start] + content[start:end] * random.choice((2, 3, 10, 1000)) + content[end:]


def _insert(content: bytes, piece: bytes, random: Random) -> bytes:
    place = random.randrange(len(content) + 1)
    return content[:place] + piece * random.choice((1, 1, 1, 2, 500)) + content[place:]


def _overwrite(content: bytes, piece: bytes, random: Random) -> bytes:
    place = random.randrange(len(content) + 1)
    return content[:place] + piece + content[place + len(piece) :]


def _slice(content: bytes, random: Random) -> bytes:
    start = random.randrange(len(content) + 1)
    return content[start : start + random.randint(1, 512)]
