"""Whatever happens to the end of a shard, or to a byte of it, the blocks before that are read as they were written."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from froq_lightning.errors import JournalError
from froq_lightning.journal.block import Block
from froq_lightning.journal.shard import Shard, read_blocks

facts = st.dictionaries(
    st.text(max_size=4), st.one_of(st.none(), st.integers(-9, 9), st.text(st.characters(), max_size=6)), max_size=3
)
tensors = st.dictionaries(
    st.sampled_from("abc"),
    st.lists(st.floats(width=32), max_size=5).map(lambda values: torch.tensor(values, dtype=torch.float32)),
    max_size=2,
)
blocks = st.builds(Block, facts, tensors)
once = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def same(one: Block, other: Block) -> bool:
    if (one.facts, one.tensors.keys()) != (other.facts, other.tensors.keys()):
        return False
    return all(np.array_equal(values, other.tensors[name], equal_nan=True) for name, values in one.tensors.items())


def written(path: Path, content: list[Block]) -> bytes:
    path.unlink(missing_ok=True)
    shard = Shard(path)
    for block in content:
        shard.append(block)
    shard.close()
    return path.read_bytes()


@once
@given(content=st.lists(blocks, min_size=1, max_size=4), data=st.data(), damage=st.sampled_from(["cut", "changed"]))
def test_damage_costs_its_block_and_those_behind_it(
    content: list[Block], data: st.DataObject, damage: str, tmp_path: Path
) -> None:
    whole = bytearray(written(tmp_path / "shard", content))
    place = data.draw(st.integers(0, len(whole) - 1))
    if damage == "changed":
        whole[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / "shard").write_bytes(whole if damage == "changed" else whole[:place])
    shard = Shard(tmp_path / "shard")
    left = list(shard.blocks())
    assert len(left) < len(content)
    assert all(map(same, left, content))
    shard.append(Block({"last": True}))
    shard.close()
    again = list(read_blocks(tmp_path / "shard"))
    assert len(again) == len(left) + 1
    assert all(map(same, again, [*left, Block({"last": True})]))


@once
@given(content=st.lists(blocks, max_size=3), rest=st.binary(max_size=120))
def test_blocks_are_read_as_they_were_written_whatever_lies_behind_them(
    content: list[Block], rest: bytes, tmp_path: Path
) -> None:
    whole = written(tmp_path / "shard", content)
    (tmp_path / "shard").write_bytes(whole + rest if content else b"")
    assert list(map(same, read_blocks(tmp_path / "shard"), content)) == [True] * len(content)
    assert len(list(read_blocks(tmp_path / "shard"))) == len(content)


def test_a_length_that_lies_takes_no_memory(tmp_path: Path) -> None:
    whole = written(tmp_path / "shard", [Block({"first": True})])
    (tmp_path / "shard").write_bytes(whole + (2**62).to_bytes(8, "little") + bytes(32) + b"content")
    assert len(list(read_blocks(tmp_path / "shard"))) == 1


HOLDING = """
import sys, time
from pathlib import Path
from froq_lightning.journal.shard import Shard
shard = Shard(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX locks")
def test_one_process_at_a_time_writes_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "shard"
    holder = subprocess.Popen([sys.executable, "-c", HOLDING, path], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(JournalError, match="another run is writing to"):
            Shard(path)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()  # type: ignore[union-attr]
    Shard(path).close()
