"""Files that hold many images each."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from froq_lightning.backbones.spec import Pixels
from froq_lightning.data.image_limits import check_length
from froq_lightning.data.images import decode_image
from froq_lightning.errors import ImageError
from froq_lightning.stored_files import Stamp, file_name, plain, read_range

LAYOUT = 3  # changes with what is read from them


@dataclass(frozen=True)
class Shard:
    """A file that holds images.

    Args:
        address: of the file.
        name: by which the keys of its images begin.
        stamp: by which a change is noticed.
    """

    address: str
    name: str
    stamp: Stamp

    @property
    def identity(self) -> str:
        """All of that as a text."""
        return json.dumps([plain(self.address), self.name, self.stamp.size, self.stamp.version])


@dataclass(frozen=True)
class StoredImage:
    """An image whose bytes stand in a shard: an `Archive` of one image, so that it can be sent to any process.

    Args:
        shard: that holds it.
        length: in bytes.
        stamp: of all shards of the source.
    """

    shard: Shard
    length: int
    stamp: Stamp

    def read(self, position: int) -> tuple[Pixels, str]:
        """Read the image that begins at a byte; see `Archive`."""
        check_length(self.length, b"")
        content = read_range(self.shard.address, position, self.length, self.shard.stamp)
        if len(content) < self.length:
            raise ImageError(f"{file_name(self.shard.address)} ends before byte {position + self.length:,}")
        return decode_image(content)


def stamp_of_shards(shards: Sequence[Shard]) -> Stamp:
    """Return what tells some shards from changed ones: their size in all, and a digest of what each is."""
    identities = [f"layout {LAYOUT}", *(shard.identity for shard in shards)]
    return Stamp(sum(shard.stamp.size for shard in shards), hashlib.sha256("\n".join(identities).encode()).hexdigest())
