"""Valid files of every kind that is read, small enough to be changed and read thousands of times."""

import io
import json
import pickle
import re
import struct
import tarfile
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save
from torch import nn

from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.observer import CalibrationSet, Observer
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.selection import select_layers

Files = dict[str, bytes]

SIZE = 16
STATE = {"0.weight": torch.linspace(-1, 1, 72).view(8, 1, 3, 3), "0.bias": torch.zeros(8)}
MAGIC = struct.pack("<I", 0xCED7230A)


def write(files: Files, folder: Path) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def image(kind: str = "PNG", number: int = 0, mode: str = "RGB", **options: Any) -> bytes:
    """Encode a picture of noise."""
    pixels = np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind, **options)
    return file.getvalue()


def images() -> list[Files]:
    """A picture in every format, and in its rarer variants."""
    exif = Image.Exif()
    exif[0x0112] = 6
    variants: list[tuple[str, str, dict[str, Any]]] = [
        ("JPEG", "RGB", {"exif": exif, "dpi": (72, 72)}),
        ("JPEG", "CMYK", {"progressive": True}),
        ("PNG", "P", {"transparency": 0}),
        ("PNG", "RGBA", {}),
        ("PNG", "I;16", {}),
        ("BMP", "RGB", {}),
        ("BMP", "L", {}),
        ("WEBP", "RGBA", {"lossless": True, "exif": exif}),
        ("WEBP", "RGB", {}),
        ("GIF", "RGB", {}),
        ("PPM", "RGB", {}),
        ("AVIF", "RGB", {}),
        *(("TIFF", "RGB", {"compression": kind}) for kind in ("raw", "tiff_lzw", "jpeg", "packbits", "tiff_deflate")),
    ]
    return [{f"a.{kind.lower()}": image(kind, mode=mode, **options)} for kind, mode, options in variants]


def pickled_images(protocol: int) -> bytes:
    """Write an insightface .bin file."""
    stored: list[Any] = [image(number=number) for number in (0, 1, 2, 2)]
    if protocol > 2:
        stored[0] = np.frombuffer(stored[0], dtype=np.uint8)
    return pickle.dumps((stored, [True, False]), protocol=protocol)


def records(*, index: bool) -> Files:
    """Write RecordIO of three subjects' pictures."""
    content, places = b"", []
    for key in range(1, 6):
        body = struct.pack("<IfQQ", 0, key // 2, key, 0) + image("JPEG", key)
        places.append(f"{key}\t{len(content)}\n")
        content += MAGIC + struct.pack("<I", len(body)) + body + b"\0" * (-len(body) % 4)
    return {"train.rec": content, **({"train.idx": "".join(places).encode()} if index else {})}


def tar(kind: int) -> bytes:
    """Write a tar file of pictures and their subjects, with a link, and with a name that needs a header of its own."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind) as shard:
        for number in range(3):
            for suffix, content in ((".jpg", image("JPEG", number)), (".json", b'{"subject_id": "a"}'), (".cls", b"1")):
                header = tarfile.TarInfo(f"{'long' * 30 * number}{number}{suffix}")
                header.size = len(content)
                shard.addfile(header, io.BytesIO(content))
        link = tarfile.TarInfo("9.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "0.jpg"
        shard.addfile(link)
    return file.getvalue()


def parquet() -> bytes:
    """Write a Parquet file of pictures and their subjects in three row groups."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    file = io.BytesIO()
    pictures = [{"bytes": image("JPEG", number), "path": str(number)} for number in range(5)]
    parquet.write_table(pa.table({"image": pictures, "label": [0, 0, 1, 1, 2]}), file, row_group_size=2)
    return file.getvalue()


def memfile() -> Files:
    """Write an AdaFace memfile of two trials."""
    values = np.linspace(-1, 1, 4 * 3 * SIZE * SIZE, dtype=np.float32)
    return {
        "lfw/memfile/mem_file.dat": values.tobytes(),
        "lfw/memfile/mem_file.dat.conf": json.dumps({"shape": [4, 3, SIZE, SIZE], "dtype": "float32"}).encode(),
        "lfw_list.npy": array(np.array([True, False])),
    }


def array(values: np.ndarray) -> bytes:
    """Write a .npy file."""
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def checkpoint(*, old: bool = False, **more: Any) -> bytes:
    """Write a checkpoint of PyTorch."""
    file = io.BytesIO()
    torch.save({"state_dict": STATE, **more}, file, _use_new_zipfile_serialization=not old)
    # Storages are named after where they lie in memory, which is another place every time.
    names = sorted(set(re.findall(rb"[0-9]{12,16}", file.getvalue()))) if old else []
    content = file.getvalue()
    for number, name in enumerate(names):
        content = content.replace(name, str(number).zfill(len(name)).encode())
    return content


def safetensors() -> bytes:
    """Write a safetensors file."""
    return save(STATE, {"format": "pt"})


def dlib_network() -> nn.Module:
    """Make a network of dlib's layers."""
    from froq_dlib.network import Affine  # noqa: PLC0415 - a plugin

    return nn.Sequential(nn.Conv2d(3, 4, 3), Affine(4), nn.Linear(4, 2, bias=False))


def dlib_file() -> bytes:
    """Write a file of dlib's for that network."""

    def integer(value: int) -> bytes:
        return bytes([4]) + value.to_bytes(4, "little")

    def layer(name: str, count: int) -> bytes:
        values = np.linspace(-1, 1, count, dtype="<f4").tobytes()
        shape = b"".join(map(integer, (count, 1, 1, 1)))
        ends = integer(2) + integer(4) if name == "fc_2" else b""
        return bytes([1, len(name)]) + name.encode() + ends + integer(2) + shape + values

    return layer("con_4", 4 * 27 + 4) + layer("affine_", 8) + layer("fc_2", 8)


def timm_folder() -> Files:
    """Write a network of timm's in the layout of the hub."""
    config = {
        "architecture": "test_resnet",
        "num_classes": 8,
        "pretrained_cfg": {"input_size": [3, 32, 32], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
        "model_args": {"drop_rate": 0.1},
    }
    return {"config.json": json.dumps(config).encode(), "model.safetensors": safetensors()}


def observer() -> bytes:
    """Write the Observer of a small network."""
    network = nn.Sequential(OrderedDict(stem=nn.Conv2d(3, 4, 3), relu=nn.ReLU(), pool=nn.AdaptiveAvgPool2d(1)))
    backbone = Backbone(network, Preprocessing((SIZE, SIZE)), WeightsInfo("small.pt", "0" * 64))
    labels = torch.linspace(0, 1, 20)
    norms = torch.stack([labels + 2, (labels - 0.3).abs() + 1, labels.sqrt() + 3], dim=1)
    selection = select_layers(norms, labels, backbone.candidate_layers, create_rule("distinct"))
    identity = BackboneIdentity.of(backbone, "small", {"depth": 1}, "froq-small", "1.0")
    made = Observer.from_selection(selection, identity, "distinct", CalibrationSet(20, 0, {"method": "given"}))
    with tempfile.TemporaryDirectory() as folder:
        made.save(Path(folder, "observer.json"))
        return Path(folder, "observer.json").read_bytes()
