"""Where dlib's model files lie: in the package face_recognition_models."""

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "face_recognition_models"
NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
LANDMARKS = "shape_predictor_5_face_landmarks.dat"


def model_file(name: str) -> Path:
    """Return the path of a model file of the package.

    The package is located, not imported: importing it needs `pkg_resources`, which setuptools has removed.

    Raises:
        FileNotFoundError: if the package is not installed or holds no file of that name.
    """
    spec = find_spec(PACKAGE)
    folders = [Path(folder) / "models" for folder in (spec.submodule_search_locations or ())] if spec else []
    for path in (folder / name for folder in folders):
        if path.is_file():
            return path
    raise FileNotFoundError(f"no {name} in the package {PACKAGE}; install it with `pip install {PACKAGE}`")
