"""The entry point of the backbone `dlib_resnet29`."""

from hashlib import sha256
from pathlib import Path

from froq_dlib.files import NETWORK, model_file
from froq_dlib.network import DlibResNet29
from froq_dlib.serialization import load_parameters, read_bytes
from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo

OBSERVER = Path(__file__).parent / "observers" / "dlib_resnet29.json"
PREPROCESSING = Preprocessing(
    size=(150, 150),
    mean=(122.782 / 255, 117.001 / 255, 104.298 / 255),
    std=(256 / 255,) * 3,
    alignment="dlib",
)


def dlib_resnet29(weights: str | None = None) -> Backbone:
    """Build dlib's face-recognition network in PyTorch.

    Args:
        weights: path of a `dlib_face_recognition_resnet_model_v1.dat`; None takes the one of the package
            face_recognition_models.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is truncated or holds something else.
    """
    path = Path(weights) if weights else model_file(NETWORK)
    data = read_bytes(path)
    network = DlibResNet29()
    load_parameters(network, data)
    info = WeightsInfo(source=path.name, sha256=sha256(data).hexdigest(), licence="CC0-1.0")
    observer = OBSERVER if OBSERVER.is_file() else None
    return Backbone(network, PREPROCESSING, info, observer=observer)
