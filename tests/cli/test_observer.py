"""`froq observer`: shown, compared, published and fetched."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import Hub

from froq_lightning import Observer, QualityScorer
from froq_lightning.cli import main
from froq_lightning.errors import DownloadError, ObserverError


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The Observer that ships with dlib's network, as a file."""
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    path = tmp_path / "shipped.json"
    QualityScorer.from_pretrained("dlib_resnet29", device="cpu").observer.save(path)
    return path


def test_show_tells_what_it_is_on_what_and_how_sure(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["observer", "show", str(shipped)]) == 0
    shown, observer = capsys.readouterr().out, Observer.load(shipped)
    for text in (
        "dlib_resnet29 of froq-dlib",
        observer.backbone.weights.sha256,
        "CC0-1.0",
        "720 images, with 1 degraded of each photograph; labels: pseudo_mated",
        "0.716 (95 % confidence interval 0.67 to 0.76, 720 images in 360 groups)",
        *(layer.name for layer in observer.layers),
    ):
        assert text in shown


def test_compare_tells_the_differences(shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stated = json.loads(shipped.read_text())
    stated["preset"], stated["layers"] = "paper", stated["layers"][:2]
    stated["aggregation"] = "mean_norm"
    (tmp_path / "other.json").write_text(json.dumps(stated, indent=1))
    assert main(["observer", "compare", str(shipped), "other.json"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["preset", "distinct", "paper"] in lines
    assert ["layers", "in", "common:", "2"] in lines
    assert not [line for line in lines if line[:1] == ["weights"]], "what is equal is not told"
    assert main(["observer", "compare", str(shipped), str(shipped)]) == 0
    assert "nothing" in capsys.readouterr().out


def test_an_observer_travels_over_the_hub_and_scores_by_name(
    shipped: Path, hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["observer", "push", str(shipped), "hf://me/quality"]) == 0
    card = hub.files["/me/quality/README.md"].decode()
    assert card.startswith("---\nlibrary_name: froq-lightning\n")
    assert 'QualityScorer.from_observer("hf://me/quality", aligner="dlib")' in card
    assert "| licence of the weights | CC0-1.0 |" in card
    assert main(["observer", "pull", "hf://me/quality", "--output", "pulled.json"]) == 0
    assert Path("pulled.json").read_bytes() == shipped.read_bytes()
    assert "pulled.json: for dlib_resnet29" in capsys.readouterr().out
    scorer = QualityScorer.from_observer("hf://me/quality", device="cpu")
    assert scorer.observer == Observer.load(shipped)


def test_an_observer_for_other_weights_is_refused_when_it_is_used(shipped: Path, hub: Hub) -> None:
    digest = Observer.load(shipped).backbone.weights.sha256
    hub.files["/me/quality/observer.json"] = shipped.read_bytes().replace(digest.encode(), b"0" * 64)
    with pytest.raises(ObserverError, match="made for another network: weights sha256 000000000000 there"):
        QualityScorer.from_observer("hf://me/quality", device="cpu")


def test_a_repository_without_an_observer_or_with_something_else_is_refused(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DownloadError, match=r"the repository me/none has no file observer\.json"):
        Observer.load("hf://me/none")
    hub.files["/me/bad/observer.json"] = b"{}"
    assert main(["observer", "pull", "hf://me/bad"]) == 2
    assert "observer.json is no Observer" in capsys.readouterr().err
    assert not Path("observer.json").exists()


@pytest.mark.parametrize("name", ["README.md", "observer.json"])
def test_a_folder_is_published_into_but_nothing_else_is_replaced(
    name: str, shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "repository"
    for _ in range(2):
        assert main(["observer", "push", str(shipped), str(folder)]) == 0
    assert main(["observer", "pull", str(folder)]) == 0
    (folder / name).write_text("mine")
    assert main(["observer", "push", str(shipped), str(folder)]) == 2
    assert "holds something that this command did not write" in capsys.readouterr().err
    assert (folder / name).read_text() == "mine"


def test_predict_takes_an_observer_by_name(
    hub: Hub, observer: Path, network: tuple[str, ...], faces: Path, predict: Callable[..., list[dict[str, str]]]
) -> None:
    hub.files["/me/quality/observer.json"] = observer.read_bytes()
    expected = predict(faces, Path("scores.csv"))
    arguments = [f"--data.source={faces}", "--model.observer=hf://me/quality", "--output=named.csv"]
    assert main(["predict", *network, *arguments]) == 0
    assert Path("named.csv").read_text().count("\n") == len(expected) + 1
    assert Path("named.csv").read_bytes() == Path("scores.csv").read_bytes()
