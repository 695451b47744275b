"""Everything that reads files of strangers, each with valid files to start from."""

from argparse import ArgumentError
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import fuzz_seeds as seeds
from fuzz_seeds import Columns, Files, table
from lightning.pytorch.cli import LightningArgumentParser
from torch import nn

from froq_lightning.backbones.hub import hub_model
from froq_lightning.backbones.spec import Preprocessing
from froq_lightning.backbones.weights import load_weights, read_state_dict
from froq_lightning.bounded_io import read_array
from froq_lightning.calibration.observer import Observer
from froq_lightning.cli.refusals import told
from froq_lightning.cli.verbs import PredictionCLI
from froq_lightning.cli.yaml_limits import limit_yaml
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.images import read_image
from froq_lightning.data.score_files import read_scores, with_labels
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.errors import ConfigurationError, DataError
from froq_lightning.module import FroqModule
from froq_lightning.sources.source import read_faces, read_trials

MOST_IMAGES = 50
SCORES: Columns = {"path": list(seeds.NAMES), "quality_score": [0.1, -2.5, 3.0, 1e-9]}
LABELS: Columns = {
    "path": list(seeds.NAMES),
    "pseudo_quality": [0.1, 0.2, 0.3, 0.4],
    "subject_id": ["a", "a", "b", "b"],
}
TRIALS: Columns = {"image_a": list(seeds.NAMES), "image_b": list(seeds.NAMES[::-1]), "mated": [1, 0, 0, 1]}
LFW = b"2\t1\nann\t1\t2\nbob\t1\t2\nann\t1\tbob\t1\nann\t2\tbob\t2\n"
JSON_WORDS = (b"NaN", b"Infinity", b"1e999", b"null", b"[[[[[[[[", b'{"a":', b"-1", b"9" * 5000)
YAML_WORDS = (b"*given", b"&given ", b"!!python/name:os.system ", b"- - - - ", b"<<: *given\n", b": ", b"[", b"{")
PATH_WORDS = (b"../", b"/etc/passwd", b"\x00", b"\xff\xfe", b"=1+1", b"\r\n", b'"', b"\xe2\x80\xae")
PICKLE_WORDS = (b"cos\nsystem\n", b"(S'x'\ntR", b"\x80\x04", b"]", b"a", b".", b"\x85R", b"builtins\nbytearray\n")
Read = Callable[[Path], object]


@dataclass(frozen=True)
class Reader:
    """What is read, and how.

    Args:
        name: for people.
        seeds: valid files, by their paths below a folder; one of them at a time is changed.
        read: reads them from that folder; raises a FroqError for what it refuses.
        words: that mean something in such files.
    """

    name: str
    seeds: Sequence[Files]
    read: Read
    words: tuple[bytes, ...] = ()


def every_reader() -> list[Reader]:
    """List them."""
    return [*_of_images(), *_of_lists(), *_of_trials(), *_of_networks()]


def _of_images() -> list[Reader]:
    return [
        Reader("images", seeds.images(), _image),
        Reader(
            "insightface .bin",
            [{"a.bin": seeds.pickled_images(p)} for p in (2, 3, 4, 5)],
            _archive("a.bin"),
            PICKLE_WORDS,
        ),
        Reader(
            "RecordIO", [seeds.records(index=True), seeds.records(index=False)], _archive("train.rec"), (seeds.MAGIC,)
        ),
        Reader("AdaFace memfile", [seeds.memfile()], _archive("lfw/memfile/mem_file.dat"), JSON_WORDS),
    ]


def _of_lists() -> list[Reader]:
    faces = seeds.folder()
    lines = "".join(f"{name} 0.{number}\n" for number, name in enumerate(seeds.NAMES)).encode()
    scores = [{"a.csv": table(SCORES, mark)} for mark in ",;\t"] + [{"a.txt": lines}]
    return [
        Reader("manifest, CSV", [faces | {"a.csv": table(LABELS)}], _manifest("a.csv"), PATH_WORDS),
        Reader(
            "manifest, Parquet",
            [faces | {"a.parquet": file} for file in seeds.parquet_files(LABELS)],
            _manifest("a.parquet"),
        ),
        Reader("labels", [faces | {"a.csv": table(LABELS)}], _labels, PATH_WORDS),
        Reader("scores, text", scores, _scores, (*PATH_WORDS, b"nan", b"1e999")),
        Reader("scores, Parquet", [{"a.parquet": file} for file in seeds.parquet_files(SCORES)], _scores),
    ]


def _of_trials() -> list[Reader]:
    faces = seeds.folder()
    return [
        Reader("pairs, CSV", [faces | {"a.csv": table(TRIALS)}], _trials("a.csv"), PATH_WORDS),
        Reader(
            "pairs, Parquet",
            [faces | {"a.parquet": file} for file in seeds.parquet_files(TRIALS)],
            _trials("a.parquet"),
        ),
        Reader(
            "lists of pairs",
            [
                faces | {"a.txt": table(TRIALS, " ").partition(b"\n")[2]},
                faces | {"a.txt": table(TRIALS, ";").decode().encode("utf-16")},
                faces | {"a.txt": "".join(f"{name} 1\n" for name in seeds.NAMES).encode()},
            ],
            _trials("a.txt"),
            PATH_WORDS,
        ),
        Reader("LFW pairs", [faces | {"pairs.txt": LFW}], _trials("pairs.txt"), (*PATH_WORDS, b"9" * 5000)),
        Reader("CFP", [seeds.cfp()], _trials(""), (*PATH_WORDS, b"9" * 5000)),
        Reader("IJB-C", [seeds.ijb()], _trials(""), (*PATH_WORDS, b"9" * 5000, b"nan")),
        Reader("pairs of a .bin", [{"a.bin": seeds.pickled_images(4)}], _trials("a.bin"), PICKLE_WORDS),
        Reader("pairs of a memfile", [seeds.memfile()], _trials("lfw"), JSON_WORDS),
        Reader("subjects of RecordIO", [seeds.records(index=True)], _trials("train.rec"), (seeds.MAGIC,)),
    ]


def _of_networks() -> list[Reader]:
    new = [seeds.checkpoint(), seeds.checkpoint(epoch=3, name=b"x", sizes=(1, (2, 3)))]
    return [
        Reader("Observer", [{"a.json": seeds.observer()}], lambda folder: Observer.load(folder / "a.json"), JSON_WORDS),
        Reader("checkpoint", [{"a.pt": file} for file in new], _weights("a.pt"), PICKLE_WORDS),
        Reader("checkpoint before 1.6", [{"a.pt": seeds.checkpoint(old=True)}], _weights("a.pt"), PICKLE_WORDS),
        Reader("safetensors", [{"a.safetensors": seeds.safetensors()}], _weights("a.safetensors"), JSON_WORDS),
        *([Reader("dlib .dat", [{"a.dat": seeds.dlib_file()}], _dlib)] if find_spec("froq_dlib") else []),
        Reader("timm folder", [seeds.timm_folder()], _timm_folder, JSON_WORDS),
        Reader("array", [{"a.npy": seeds.array(seeds.STATE["0.weight"].numpy())}], _array),
        Reader("configuration", [{"a.yaml": seeds.configuration()}], _configuration, YAML_WORDS),
    ]


def _image(folder: Path) -> None:
    for path in folder.iterdir():
        read_image(path)


def _faces(records: Sequence[ImageRef]) -> None:
    """Read the first images; what fails is a reason."""
    faces = FaceDataset(records, Preprocessing((seeds.SIZE, seeds.SIZE)))
    for place in range(min(len(faces), MOST_IMAGES)):
        faces[place]


def _archive(name: str) -> Read:
    return lambda folder: _faces(read_faces(folder / name).images)


def _manifest(name: str) -> Read:
    return lambda folder: _faces(read_faces(folder / name, folder).images)


def _labels(folder: Path) -> None:
    with_labels(read_faces(folder).images, folder / "a.csv")


def _scores(folder: Path) -> None:
    read_scores(next(folder.iterdir()), seeds.NAMES)


def _trials(name: str) -> Read:
    def read(folder: Path) -> None:
        _faces(read_trials(str(folder / name)).images)

    return read


def _weights(name: str) -> Read:
    def read(folder: Path) -> None:
        network = nn.Sequential(nn.Conv2d(1, 8, 3))
        load_weights(network, read_state_dict(folder / name), name)

    return read


def _array(folder: Path) -> None:
    read_array(folder / "a.npy").sum()


def _dlib(folder: Path) -> None:
    from froq_dlib.serialization import load_parameters, read_bytes  # noqa: PLC0415 - a plugin

    network, data = seeds.dlib_network(), read_bytes(folder / "a.dat")
    try:
        load_parameters(network, data)
    except ValueError as error:  # a plugin may raise it; the registry tells it
        raise DataError(str(error)) from error


def _timm_folder(folder: Path) -> None:
    model = hub_model(f"local-dir:{folder}")
    Preprocessing(model.size, mean=model.mean, std=model.std)
    read_state_dict(str(model.weights))


class _ParsingCLI(PredictionCLI):
    """`froq predict` as far as its options are parsed."""

    def instantiate_classes(self) -> None:
        """Build nothing of what they name."""


@cache
def _parser() -> LightningArgumentParser:
    strict = {"exit_on_error": False}
    given = ["--data.source=faces", "--model.backbone=timm"]
    return _ParsingCLI(
        FroqModule,
        FaceDataModule,
        run=False,
        save_config_callback=None,
        parser_kwargs=strict,
        seed_everything_default=False,
        args=given,
    ).parser


def _configuration(folder: Path) -> None:
    limit_yaml()
    try:
        _parser().parse_args(["--config", str(folder / "a.yaml")])
    except (ArgumentError, UnicodeDecodeError) as error:
        raise ConfigurationError(told(error)) from error
