"""Recognises files that are no checkpoints by their first bytes, so that an error can say what they are."""

import zipfile
from pathlib import Path

from froq_lightning.terminal import printable

HEAD = 512
QUOTED = 40
ZIP = b"PK\x03\x04"
SAVE_STATE_DICT = "save the state dict of its network in PyTorch, `torch.save(network.state_dict(), path)`"
# First bytes of other programs' files.
BEGINNINGS = {
    b"version https://git-lfs": "a pointer of git-lfs, not the file itself; run `git lfs pull`, or download the file",
    b"\x89HDF\r\n\x1a\n": f"HDF5, as Keras and TensorFlow write it; convert the network, and {SAVE_STATE_DICT}",
    b"\x93NUMPY": f"a NumPy array; {SAVE_STATE_DICT}",
    b"\x12\x01\0\0\0\0\0\0": f"a file of MXNet's; convert the network, and {SAVE_STATE_DICT}",
    b"GGUF": f"GGUF, whose weights are quantised; {SAVE_STATE_DICT}",
    b"\x1f\x8b": "compressed by gzip; unpack it",
    b"BZh": "compressed by bzip2; unpack it",
    b"\xfd7zXZ\0": "compressed by xz; unpack it",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unpack it",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it",
    b"Rar!": "a RAR archive; unpack it",
}
# Names of members in other programs' zip archives, or how they end.
MEMBERS = {
    "/constants.pkl": f"TorchScript, which is code; {SAVE_STATE_DICT}",
    "/archive_format": f"a program of torch.export, which is code; {SAVE_STATE_DICT}",
    "model.weights.h5": f"a network of Keras; convert it, and {SAVE_STATE_DICT}",
    ".npy": f"an archive of NumPy arrays (.npz); {SAVE_STATE_DICT}",
    **dict.fromkeys((".pth", ".pt", ".ckpt", ".safetensors", ".bin"), "a zip archive around a checkpoint; unpack it"),
}
ENDS_EARLY = "damaged: it ends early, as a download does that was cut off; fetch it again"


def foreign_kind(path: Path) -> str:
    """Return what a file is, as the end of a sentence; empty if it may be a checkpoint of PyTorch or safetensors."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(ZIP):
        return _archive_kind(path)
    if is_safetensors(head):
        return ENDS_EARLY if 8 + int.from_bytes(head[:8], "little") > path.stat().st_size else ""
    for beginning, kind in BEGINNINGS.items():
        if head.startswith(beginning):
            return kind
    if not head.strip(b"\0"):
        return "empty; the download or copy failed" if not head else "damaged or no checkpoint: it begins with zeros"
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it"
    if head[4:8] == b"TFL3" or path.suffix.lower() == ".pb":
        return f"a network of TensorFlow; convert it, and {SAVE_STATE_DICT}"
    # ONNX is a protobuf message: field 1 is its version, then follows 2, its producer, or 7, the graph.
    if head[0] == 8 and head[1] < 32 and head[2:3] in (b"\x12", b"\x3a"):
        return f"ONNX; {SAVE_STATE_DICT}"
    return _text_kind(head)


def is_safetensors(head: bytes) -> bool:
    """Whether a file that begins so is safetensors: the length of a JSON object, and that object."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 10**8


def _archive_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [f"/{name.lower()}" for name in archive.namelist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ENDS_EARLY if not zipfile.is_zipfile(path) else ""
    if any(name.endswith("/data.pkl") for name in names) and not any(name.endswith("/constants.pkl") for name in names):
        return ""
    return next((kind for end, kind in MEMBERS.items() if any(name.endswith(end) for name in names)), "")


def _text_kind(head: bytes) -> str:
    try:
        text = head.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # not the last character, cut in two
            return ""
        text = head[: error.start].decode("utf-8-sig").strip()
    if text.lower().startswith(("<!doctype html", "<html", "<head", "<body")):
        return "a web page, not the file that it leads to; download the file itself"
    if any(not (character.isprintable() or character.isspace()) for character in text) or text[-1:] == ".":
        return ""  # such as a pickle of protocol 0
    return f"text, which begins {printable(text[:QUOTED])!r}"
