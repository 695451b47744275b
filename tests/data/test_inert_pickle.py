import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from froq_lightning.data import inert_pickle
from froq_lightning.data.inert_pickle import read_pickle
from froq_lightning.data.pickled_values import Array, Span
from froq_lightning.errors import DataError


def read(stream: bytes) -> tuple[Any, Any]:
    Path("set.bin").write_bytes(stream)
    return read_pickle(Path("set.bin"))


def plain(value: Any, content: Any) -> Any:
    """Turn inert values into what they stand for."""
    if isinstance(value, Span):
        return value.of(content)
    if isinstance(value, Array):
        return value.value(value.content.of(content)).tolist()
    return type(value)(plain(item, content) for item in value) if isinstance(value, (list, tuple)) else value


content = st.none() | st.booleans() | st.integers() | st.binary() | st.sampled_from([b"x" * 300, b"y" * 70_000])


@given(
    value=st.recursive(content, lambda inner: st.lists(inner) | st.lists(inner).map(tuple), max_leaves=30),
    protocol=st.integers(1, 5),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_lists_and_tuples_hold_comes_back(value: Any, protocol: int) -> None:
    assert plain(*read(pickle.dumps(value, protocol=protocol))) == value


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_and_scalars_of_numpy_come_back(protocol: int) -> None:
    matrix = np.arange(12, dtype=np.uint8).reshape(3, 4)
    arrays = [matrix, np.asfortranarray(matrix), matrix[:, 1].astype(">i4"), np.array([True, False]), np.bool_(True)]
    found = plain(*read(pickle.dumps(arrays, protocol=protocol)))
    assert found == [array.tolist() for array in arrays]


@pytest.mark.parametrize("core", [b"numpy.core", b"numpy._core"])
def test_arrays_of_either_numpy_come_back(core: bytes) -> None:
    stream = pickle.dumps([np.array([True, False]), np.float32(2.5)], protocol=2)
    other = stream.replace(b"numpy._core", core).replace(b"numpy.core", core)
    assert plain(*read(other)) == [[True, False], 2.5]


class Call:
    """Pickles as a call of anything."""

    def __init__(self, called: Any, *arguments: Any, state: Any = None) -> None:
        self.made = (called, arguments) if state is None else (called, arguments, state)

    def __reduce__(self) -> Any:
        return self.made


def by_name(module: str, name: str, argument: str) -> bytes:
    """A call of a name, as protocol 0 writes it."""
    return f"c{module}\n{name}\n(V{argument}\ntR.".encode()


def stacked(module: str, name: str) -> bytes:
    """A name, perhaps with dots, as protocol 4 writes it."""
    return b"\x80\x04" + b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name)) + b"\x93."


RUN = "open('ran', 'w').close()"


@pytest.mark.parametrize(
    ("stream", "wanted"),
    [
        (by_name("os", "system", "touch ran"), r"os\.system"),
        (pickle.dumps(Call(eval, RUN), protocol=2), r"__builtin__\.eval"),
        (pickle.dumps([b"image", Call(getattr, b"", "decode")], protocol=3), r"builtins\.getattr"),
        (pickle.dumps(Call(np.load, "set.npy", None, True), protocol=4), r"numpy\.load"),
        (stacked("builtins", "bytes.__new__"), r"builtins\.bytes\.__new__"),
        (stacked("numpy", "core.multiarray._reconstruct"), r"numpy\.core\.multiarray\._recon"),
        (stacked("_codecs", "lookup"), r"_codecs\.lookup"),
    ],
)
def test_a_name_that_arrays_do_not_need_is_refused_before_it_runs(stream: bytes, wanted: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"^set\.bin wants '{wanted}.*', which is neither list, bytes nor array; not"):
        read(stream)
    assert [path.name for path in tmp_path.iterdir()] == ["set.bin"]


@pytest.mark.parametrize(
    ("stream", "wanted"),
    [
        (pickle.dumps({1: 2}, protocol=4), "EMPTY_DICT"),
        (pickle.dumps(1.5, protocol=4), "BINFLOAT"),
        (b"(ios\nsystem\n.", "INST"),
        (b"cnumpy\nndarray\n)\x81.", "NEWOBJ"),
        (b"Pperson\n.", "PERSID"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
    ],
)
def test_an_operation_that_arrays_do_not_need_is_refused(stream: bytes, wanted: str) -> None:
    with pytest.raises(DataError, match=f"wants what an array of images does not need: {wanted}"):
        read(stream)


@pytest.mark.parametrize(
    ("stream", "wanted"),
    [
        (b"U\x02idU\x01xR.", "calls what is no known name; not run"),
        (b"cnumpy\ndtype\nU\x01xR.", "calls what is no known name; not run"),
        (b"cnumpy\ndtype\n}b.", "wants what an array of images does not need: EMPTY_DICT"),
        (b"cnumpy\ndtype\nNb.", "sets the state of what is no array"),
        (b"]Nb.", "sets the state of what is no array"),
        (b"NK\x01a.", "appends to what is no list"),
        (pickle.dumps(np.array([{}], dtype=object), protocol=4), "holds an array of type 'O8'"),
        (pickle.dumps(np.array(["text"]), protocol=4), "holds an array of type 'U4'"),
        (pickle.dumps(np.zeros(2, dtype=[("a", "u1")]), protocol=4), "holds an array of type 'V1'"),
        (b"c_codecs\nencode\n(X\x01\x00\x00\x00aU\x05utf-8tR.", "holds bytes as text in another encoding"),
        (b"cnumpy.core.multiarray\nscalar\n(K\x01U\x01atR.", "holds a malformed array"),
        (
            b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NU\x01a(U\x01atK\x01K\x01K\x00tb.",
            "holds an array of records",
        ),
    ],
)
def test_misused_values_are_refused(stream: bytes, wanted: str) -> None:
    with pytest.raises(DataError, match=f"^set.bin {wanted}"):
        read(stream)


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\xff\xd8\xff\xe0 an image",
        b"\x80\x04",
        b"0.",
        b"h\x05.",
        b"a.",
        b"B\xff\xff\xff\x7fshort.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fshort.",
        b"L" + b"9" * 5000 + b"L\n.",
        b"cnumpy.core.multiarray\n_reconstruct\n)RK\x01b.",
        b".",
    ],
)
def test_a_damaged_file_is_refused(stream: bytes) -> None:
    with pytest.raises(DataError, match=r"^set\.bin is (empty|no pickle, or damaged: .*)"):
        read(stream)


@given(stream=st.binary(max_size=60) | st.text(alphabet="()]}.lt0123\x85\x86\x87hqaebRcNK\x01U\x02", max_size=40))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_is_read_or_refused_and_nothing_else(stream: bytes | str) -> None:
    with suppress(DataError):
        read(stream if isinstance(stream, bytes) else stream.encode("latin-1"))


def test_more_operations_than_images_need_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inert_pickle, "MOST_OPERATIONS", 100)
    assert plain(*read(b"]" + b"K\x01a" * 40 + b".")) == [1] * 40
    with pytest.raises(DataError, match="has more than 100 operations"):
        read(b"N" * 200 + b".")


def test_depth_does_not_matter() -> None:
    value, _ = read(b"]" * 20_000 + b"a" * 19_999 + b".")
    depth = 0
    while value:
        (value,) = value
        depth += 1
    assert depth == 19_999


def test_unused_operations_of_lists_and_tuples_are_known() -> None:
    assert plain(*read(b"(K\x01K\x02l(K\x03K\x041(K\x05tK\x060\x86.")) == ([1, 2], (5,))
    assert plain(*read(b"]q\x01N\x86p2\n0g2\n.")) == ([], None)
