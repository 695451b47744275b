import base64
import csv
import dataclasses
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from markupsafe import escape
from PIL import Image

from froq_lightning.backbones.spec import WeightsInfo
from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.observer import CalibrationSet, Observer
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.rules.rule import Rule
from froq_lightning.calibration.selection import select_layers
from froq_lightning.calibration.set_utility import SetUtility
from froq_lightning.data.degradations import KINDS, Degradations
from froq_lightning.data.face_batch import FaceSample
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.errors import ConfigurationError
from froq_lightning.module import FroqModule
from froq_lightning.reporting import CalibrationReport
from froq_lightning.runs.calibration_run import Calibration

LAYER = "<img src=x onerror=\"owned = 'layer'\">"
WORST = '"><img src=x onerror="owned = \'face\'">.jpg'
BROKEN = "<img src=x onerror=\"owned = 'file'\">.jpg"
SHOWN = 3
NBSP = "\u00a0"
Calibrated = tuple[Trainer, FroqModule, Path]
Content = Any
ContentOf = Callable[[str], Content]


def write_manifest(folder: Path, crops: Path, labels: dict[str, float]) -> Path:
    """Link the crops into a folder, the worst one under a hostile name, and label them; one more file is broken."""
    names = {name: name for name in labels} | {min(labels, key=lambda name: labels[name]): WORST}
    for name, link in names.items():
        (folder / link).symlink_to(crops / name)
    (folder / BROKEN).touch()
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [(names[name], label) for name, label in labels.items()]
        csv.writer(file).writerows([("path", "pseudo_quality"), *rows, (BROKEN, 0.5)])
    return folder / "labels.csv"


def rename_a_block(module: FroqModule) -> None:
    """Give the layers of a block that is likely to be chosen names that try to break out of the page."""
    blocks = module.network.stages[2].blocks
    for number, block in list(blocks._modules.items()):
        del blocks._modules[number]
        blocks._modules[f"{LAYER}{number}"] = block
    module.backbone = dataclasses.replace(module.backbone, candidate_layers=("*",))


@pytest.fixture(scope="module")
def calibrated(
    shared: Path, golden: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Calibrated]:
    """A Trainer and a module after `validate` on real faces, half of them degraded, and the page that it wrote."""
    folder = tmp_path_factory.mktemp("calibrated")
    labels = {name: label["pseudo_quality"] for name, label in golden["mobilefacenet"]["labels"].items()}
    weights = str(shared / "data" / "weights" / "edgeface_xxs.safetensors")
    module = FroqModule("timm", {"architecture": "edgenext_xx_small", "weights": weights}, preset="distinct")
    rename_a_block(module)
    source = str(write_manifest(folder, shared / "data" / "calibration", labels))
    data = FaceDataModule(source, module.preprocessing, degrade=Degradations(0.3), workers=0)
    report = CalibrationReport(folder / "deeper" / "calibration.html", faces=SHOWN)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = Trainer(accelerator="cpu", callbacks=[report], enable_model_summary=False, **quiet)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    trainer.validate(module, data, verbose=False)
    yield trainer, module, report.path
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def page(calibrated: Calibrated) -> str:
    return calibrated[2].read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def content(page: str, content_of: ContentOf) -> Content:
    return content_of(page)


@pytest.fixture(scope="module")
def calibration(calibrated: Calibrated) -> Calibration:
    found = calibrated[1].calibration
    assert found is not None
    return found


@pytest.fixture
def again(calibrated: Calibrated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes the page of another calibration of the same network."""

    def written(calibration: Calibration, trainer: Any = None, faces: int = 0) -> str:
        module, path = calibrated[1], tmp_path / "again" / "page.html"
        monkeypatch.setattr(module, "calibration", calibration)
        CalibrationReport(path, faces).on_validation_end(trainer or calibrated[0], module)
        assert [file.name for file in path.parent.iterdir()] == ["page.html"]
        return path.read_text(encoding="utf-8")

    return written


def reselected(
    calibrated: Calibrated,
    preset: Rule,
    budget: Budget | None = None,
    *,
    timed: bool = True,
    name: str = "distinct",
) -> Calibration:
    """Choose layers from the same norms by another rule."""
    budget = budget or Budget()
    module, kept = calibrated[1], calibrated[1].calibration
    assert kept is not None
    names = module.backbone.candidate_layers
    order = [names.index(layer.name) for layer in kept.selection.candidates]
    failures = {names.index(layer.name): layer.reason for layer in kept.selection.candidates if layer.reason}
    costs = [kept.selection.costs.get(layer, 1.0) for layer in names] if timed else ()
    table = kept.table
    selection = select_layers(table.norms, table.pseudo_quality, names, preset, order, failures, costs, budget)
    images = CalibrationSet(len(table.norms), len(table.missing), {"method": "given"})
    observer = Observer.from_selection(selection, module.identity, name, images, budget)  # type: ignore[arg-type]
    return dataclasses.replace(kept, observer=observer, selection=selection)


def text_of(content: Content) -> str:
    return " ".join("".join(content.text).replace(NBSP, " ").split())


def rows_of(content: Content, title: str) -> list[list[str]]:
    """The rows of the table with a column of that title."""
    found = next(rows for rows in content.tables if any(cell.split() == title.split() for cell in rows[0]))
    return [[" ".join(cell.split()) for cell in row] for row in found[1:]]


def share(number: float) -> str:
    return f"{100 * number:.3g} %"


def words(text: str) -> str:
    return " ".join(text.split())


def test_one_sentence_tells_what_was_found(calibration: Calibration, content: Content) -> None:
    observer, text = calibration.observer, text_of(content)
    title = "timm (architecture=edgenext_xx_small)"
    assert f"{len(observer.layers)} of {len(observer.candidates)} layers of {title} observe quality" in text
    assert calibration.selection.cost is not None
    assert (
        f"Spearman's rho with the pseudo-quality is {calibration.selection.cross_validated} on images it has not seen "
        f"(cross-validated), and {observer.set_utility:.3f} on the 40 images that the layers were chosen on; reading "
        f"them takes {share(calibration.selection.cost)} of a forward pass."
    ) in text


@pytest.mark.parametrize(
    ("rho", "told"),
    [
        (-0.04, "No usable quality was found in the {all} layers of {title}"),
        (0.05, "No usable quality was found in the {all} layers of {title}"),
        (0.25, "A weak finding: {some} of {all} layers of {title} observe quality"),
        (0.8, "{some} of {all} layers of {title} observe quality"),
    ],
)
def test_the_headline_claims_no_more_than_was_found(
    calibration: Calibration, again: Callable[..., str], rho: float, told: str
) -> None:
    selection = dataclasses.replace(calibration.selection, cross_validated=SetUtility(rho, 400))
    page = again(dataclasses.replace(calibration, selection=selection)).replace('<span class="name">', "")
    observer = calibration.observer
    counts = {"some": len(observer.layers), "all": len(observer.candidates), "title": observer.backbone.title()}
    assert f"<h1>{told.format(**counts)}</h1>" in page.replace("</span></h1>", "</h1>").replace("</span> ", " ")
    assert (f"Spearman&#39;s rho is {rho:.3f} (95 % confidence interval" in page) == (rho < 0.3)
    assert ("What may help: more calibration images" in page) == (rho < 0.3)


def test_an_uncertain_finding_is_called_so(
    calibration: Calibration, again: Callable[..., str], content_of: ContentOf
) -> None:
    selection = dataclasses.replace(calibration.selection, cross_validated=SetUtility(0.5, 12))
    text = text_of(content_of(again(dataclasses.replace(calibration, selection=selection))))
    assert re.search(r"It is uncertain whether \d+ of \d+ layers of timm .* observe quality", text)
    assert "Cross-validated rho 0.500 Spearman's rho between quality scores and pseudo-quality on images it has" in text


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (SetUtility(None, 40), "Cross-validated rho - Spearman's"),
        (SetUtility(0.5, 40), "95 % confidence interval 0.20 to 0.71 (Fisher)"),
        (
            SetUtility(0.5, 40, 12, (0.1, 0.8)),
            "95 % confidence interval 0.10 to 0.80 (bootstrap over 12 groups of images",
        ),
    ],
)
def test_how_sure_it_is_is_told(
    found: SetUtility, told: str, calibration: Calibration, again: Callable[..., str], content_of: ContentOf
) -> None:
    selection = dataclasses.replace(calibration.selection, cross_validated=found)
    assert told in text_of(content_of(again(dataclasses.replace(calibration, selection=selection))))


def test_a_rule_that_does_not_search_has_no_search_on_its_page_but_weights(
    calibration: Calibration, again: Callable[..., str], content_of: ContentOf
) -> None:
    layers = tuple(
        dataclasses.replace(layer, weight=0.5 + number) for number, layer in enumerate(calibration.observer.layers)
    )
    observer = dataclasses.replace(calibration.observer, layers=layers, trajectory=())
    selection = dataclasses.replace(calibration.selection, trajectory=())
    content = content_of(again(dataclasses.replace(calibration, observer=observer, selection=selection)))
    text, rows = text_of(content), rows_of(content, "Norm mean ± std")
    assert [row[4] for row in rows] == [f"{layer.weight:g}" for layer in layers]
    assert rows[0][0].startswith(words(f"1 {layers[0].name}"))
    assert "a score is the weighted mean of the standardised norms of the layers" in text
    assert "Greedy search" not in text
    assert "How the set grew" not in text


def test_a_network_without_weights_changes_the_headline(
    calibration: Calibration, again: Callable[..., str], content_of: ContentOf
) -> None:
    backbone = dataclasses.replace(calibration.observer.backbone, weights=WeightsInfo("as built", "0" * 64))
    observer = dataclasses.replace(calibration.observer, backbone=backbone)
    text = text_of(content_of(again(dataclasses.replace(calibration, observer=observer))))
    assert f"{backbone.title()} was calibrated without weights: its Observer fits no other run" in text
    assert f"No weights were given to {backbone.title()}: it has those it was built with, random ones unless" in text
    assert "layers of timm (architecture=edgenext_xx_small) observe quality" not in text


def test_a_small_calibration_set_is_told_with_what_chance_can_reach(content: Content) -> None:
    assert "Only 40 calibration images: by chance alone a layer utility can reach 0.31" in text_of(content)


def test_the_chosen_layers_are_those_of_the_observer(calibration: Calibration, content: Content) -> None:
    rows = rows_of(content, "Norm mean ± std")
    for number, (row, layer) in enumerate(zip(rows, calibration.observer.layers, strict=True), 1):
        assert row[0].startswith(words(f"{number} {layer.name}"))
        cost = calibration.selection.costs[layer.name]
        assert row[1:3] == [f"{layer.utility:.3f}", share(cost)]
        assert row[3:] == [f"{layer.mean:.4g} ± {layer.std:.2g}", "1"]


def test_the_search_is_told_step_by_step(calibration: Calibration, content: Content) -> None:
    rows = rows_of(content, "Layer added")
    utilities = {layer.name: layer.utility for layer in calibration.observer.candidates}
    for number, (row, step) in enumerate(zip(rows, calibration.observer.trajectory, strict=True), 1):
        assert row[:1] == [words(f"{number} {step.layer}")]
        assert row[1:3] == [f"{utilities[step.layer]:.3f}", f"{step.set_utility:.3f}"]


def test_the_front_is_told_from_dear_to_cheap(calibrated: Calibrated, calibration: Calibration, page: str) -> None:
    front, names = calibration.selection.front, calibrated[1].backbone.candidate_layers
    table = page[page.index("Utility-cost front") :]
    numbers = re.findall(r'<tr><th scope="row">(.*?)</th><td>(?:<b>)?(.*?)(?:</b>)?</td><td>(\d+)</td>', table)
    assert numbers == [
        (share(point.cost).replace(" ", NBSP), f"{point.utility:.3f}", str(len(point.columns)))
        for point in reversed(front)
    ]
    deepest = max((names[column] for column in front[0].columns), key=calibration.selection.costs.__getitem__)
    assert f'<td class="words">{deepest.replace(".", ".<wbr>")}</td>' in table


def test_every_candidate_is_listed_in_execution_order(calibration: Calibration, content: Content) -> None:
    rows = rows_of(content, "Remark")
    kinds = {row[0].rsplit(" ", 1)[1] for row in rows}
    assert {"Conv2d", "GELU", "LayerNorm", "ConvBlock"} <= kinds
    for position, (row, layer) in enumerate(zip(rows, calibration.observer.candidates, strict=True), 1):
        assert words(layer.name) in row[0]
        assert row[1:3] == [str(position), "-" if layer.utility is None else f"{layer.utility:.3f}"]
        assert row[4] == words(layer.reason or (f"repeats {layer.repeats}" if layer.repeats else ""))
    assert any(row[4].startswith("repeats ") for row in rows)
    assert any(row[2] == "-" and row[3] == "-" and row[4] for row in rows)


def test_a_long_table_is_folded_up(content: Content) -> None:
    (details,) = (attributes for tag, attributes in content.elements if tag == "details")
    assert "open" not in details


def test_the_page_says_how_it_was_calibrated(calibrated: Calibrated, content: Content) -> None:
    text, weights = text_of(content), calibrated[1].identity.weights
    assert weights.sha256 in text
    assert f"30 % degraded ({', '.join(KINDS)})" in text
    assert "labels that came with the images; higher is better" in text
    assert "repeated layers folded; a score is the mean of the standardised norms of the layers" in text
    assert "none max_cost 1, tolerance 0" in text


def test_the_page_says_how_many_subjects_gave_the_labels(
    calibration: Calibration, again: Callable[..., str], content_of: ContentOf
) -> None:
    images = dataclasses.replace(
        calibration.observer.calibration_set,
        labels={"method": "mated", "subjects": 12, "mates": 2.25, "alike": 0.98},
        degradations={"kinds": ["blur"], "seed": 0, "copies": 2},
    )
    observer = dataclasses.replace(calibration.observer, calibration_set=images)
    alone = dict.fromkeys((3, 5), "no other image of this subject")
    text = text_of(content_of(again(dataclasses.replace(calibration, observer=observer, unlabelled=alone))))
    assert f"mated similarity, {images.images} images of 12 subjects with 2.2 mates in the mean" in text
    assert "Only 12 subjects have mates; 25 are as good as the labels pseudo_mated" in text
    assert "2 images without a label: no other image of this subject" in text
    assert "the images and 2 degraded copies of each (blur)" in text


@pytest.mark.parametrize(
    ("degradations", "told"),
    [
        ({"share": 0.3, "copies": 0}, "30 % degraded (blur)"),
        ({"share": 0.0, "copies": 1}, "the images and 1 degraded copy of each (blur)"),
        ({"share": 0.3, "copies": 2}, "the images and 2 degraded copies of each, 30 % degraded (blur)"),
        ({"share": 0.3}, "30 % degraded (blur)"),  # of an earlier version
    ],
)
def test_the_page_says_what_was_degraded(
    degradations: dict[str, Any],
    told: str,
    calibration: Calibration,
    again: Callable[..., str],
    content_of: ContentOf,
) -> None:
    images = dataclasses.replace(
        calibration.observer.calibration_set, degradations={"kinds": ["blur"], "seed": 0, **degradations}
    )
    observer = dataclasses.replace(calibration.observer, calibration_set=images)
    assert told in text_of(content_of(again(dataclasses.replace(calibration, observer=observer))))


def test_the_page_says_what_a_reader_should_know(content: Content) -> None:
    text = text_of(content)
    assert "in-sample rho is flattered, since the layers were chosen on the same images." in text
    assert "1 of 41 images could not be used." in text
    assert f"{BROKEN}: file is empty" in text


def test_layers_that_count_twice_are_named(
    calibrated: Calibrated, again: Callable[..., str], content_of: ContentOf
) -> None:
    paper = reselected(calibrated, create_rule("paper"), name="paper")
    pool = paper.selection.trajectory
    names = tuple(step.layer for step in pool)
    everything = dataclasses.replace(paper.selection, layers=names, columns=tuple(range(len(pool))))
    copies = [one.name for one in everything.candidates if one.repeats and one.name in everything.layers]
    assert copies
    text = text_of(content_of(again(dataclasses.replace(paper, selection=everything))))
    assert words(f"Chosen layers that repeat others: {', '.join(copies)}.") in text


def test_six_charts_are_drawn(content: Content) -> None:
    assert content.count("figure") == content.count("svg") == 6


def test_a_cheaper_set_is_offered_for_some_utility(
    calibrated: Calibrated, again: Callable[..., str], content_of: ContentOf
) -> None:
    found = reselected(calibrated, create_rule("distinct"))
    front, utility = found.selection.front, found.observer.set_utility
    assert found.selection.cost is not None
    cheap = next(point for point in front if point.utility >= utility - 0.05)
    assert cheap.cost < 0.9 * found.selection.cost, "what the test rests on"
    told = re.search(
        r"Here --model\.tolerance=(\S+) would bring the cost from (\S+ %) down to (\S+ %) of a pass, with a set "
        r"utility of (\S+) instead of (\S+)\.(?!\d)",
        text_of(content_of(again(found))),
    )
    assert told is not None
    tolerance = float(told[1])
    bought = reselected(calibrated, create_rule("distinct"), Budget(tolerance=tolerance))
    assert bought.selection.cost is not None
    costs = share(found.selection.cost), share(bought.selection.cost)
    assert told.groups()[1:] == (*costs, f"{bought.observer.set_utility:.3f}", f"{utility:.3f}")
    assert "would bring the cost" not in text_of(content_of(again(bought))), "it was brought down already"


def with_set_utility(observer: Observer, utility: float) -> Observer:
    place = len(observer.layers) - 1
    step = dataclasses.replace(observer.trajectory[place], set_utility=utility)
    trajectory = (*observer.trajectory[:place], step, *observer.trajectory[place + 1 :])
    return dataclasses.replace(observer, set_utility=utility, trajectory=trajectory)


def test_a_better_set_that_the_search_missed_is_told(
    calibrated: Calibrated, again: Callable[..., str], content_of: ContentOf
) -> None:
    found = reselected(calibrated, create_rule("distinct"))
    best = max(point.utility for point in found.selection.front)
    worse = with_set_utility(found.observer, best - 0.1)
    told = text_of(content_of(again(dataclasses.replace(found, observer=worse))))
    assert f"with a set utility of {best:.3f}; a lower --model.max_cost leads there." in told
    equal = with_set_utility(found.observer, best)
    assert "leads there" not in text_of(content_of(again(dataclasses.replace(found, observer=equal))))


def test_a_limit_to_the_cost_is_shown(calibrated: Calibrated, again: Callable[..., str], content_of: ContentOf) -> None:
    limited = reselected(calibrated, create_rule("distinct"), Budget(max_cost=0.7))
    page = again(limited)
    assert "70 % of a pass max_cost 0.7, tolerance 0" in text_of(content_of(page))
    assert page.count('<i class="dashes"></i>max_cost') == 2


def test_without_costs_layers_stand_by_their_position(
    calibrated: Calibrated, again: Callable[..., str], content_of: ContentOf
) -> None:
    content = content_of(again(reselected(calibrated, create_rule("distinct"), timed=False)))
    text = text_of(content)
    assert "position in execution order" in text
    assert "Cost of a score not known" in text
    assert "of a forward pass." not in text
    assert "#cost" not in [attributes.get("href") for _, attributes in content.elements]
    assert content.count("svg") == 5
    assert {row[2] for row in rows_of(content, "Norm mean ± std")} == {"-"}


def test_a_single_layer_is_a_page_too(calibrated: Calibrated, again: Callable[..., str], content_of: ContentOf) -> None:
    one = reselected(calibrated, dataclasses.replace(create_rule("distinct"), pool=1))
    content = content_of(again(one))
    assert re.search(r"1 of \d+ layers of .* observes quality", text_of(content))
    assert "; reading it takes" in text_of(content)
    assert len(rows_of(content, "Layer added")) == 1
    assert content.count("svg") == 6


def expected_faces(calibrated: Calibrated) -> Iterator[str]:
    calibration = calibrated[1].calibration
    assert calibration is not None
    scores, labels = calibration.selection.scores, calibration.table.pseudo_quality
    ranks = [np.argsort(np.argsort(values.numpy(), kind="stable"), kind="stable") for values in (scores, labels)]
    keys = [record.key for record in calibrated[0].datamodule.faces.images]  # type: ignore[attr-defined]
    for values in (scores.numpy(), labels.numpy(), ranks[0] - ranks[1]):
        order = np.argsort(values, kind="stable")
        yield from (keys[int(calibration.table.sample_index[at])] for at in (*order[:SHOWN], *order[-SHOWN:]))


def test_the_faces_are_those_at_the_ends_of_scores_and_labels(calibrated: Calibrated, content: Content) -> None:
    shown = [attributes["alt"] for tag, attributes in content.elements if tag == "img"]
    assert shown == [*expected_faces(calibrated)]
    assert WORST in shown


def test_faces_are_shown_as_they_were_degraded(
    calibrated: Calibrated, again: Callable[..., str], content_of: ContentOf, calibration: Calibration
) -> None:
    faces = calibrated[0].datamodule.faces  # type: ignore[attr-defined]
    places = {record.key: place for place, record in enumerate(faces.images)}
    degraded = []
    for tag, attributes in content_of(again(calibration, faces=20)).elements:
        sample = faces[places[attributes["alt"]]] if tag == "img" else None
        if sample is not None and re.search("blur|downscale", sample.note):
            picture = Image.open(io.BytesIO(base64.b64decode(attributes["src"].split(",")[1])))
            seen = Image.fromarray(sample.image.permute(1, 2, 0).numpy())
            original = Image.open(faces.images[sample.index].path).convert("RGB")
            for one in (seen, original):
                one.thumbnail(picture.size)
            distances = [np.abs(np.asarray(one, float) - np.asarray(picture)).mean() for one in (seen, original)]
            degraded.append(distances)
    assert len(degraded) > 5
    assert np.mean(degraded, axis=0)[0] < 0.5 * np.mean(degraded, axis=0)[1]


def test_without_a_data_module_there_are_no_faces(
    again: Callable[..., str], content_of: ContentOf, calibration: Calibration
) -> None:
    content = content_of(again(calibration, SimpleNamespace(is_global_zero=True), faces=SHOWN))
    assert content.count("img") == 0
    assert "#faces" not in [attributes.get("href") for _, attributes in content.elements]


def test_names_stay_text(page: str, content: Content) -> None:
    assert content.active() == []
    assert f"stages.2.blocks.{LAYER}" in "".join(content.text)
    assert BROKEN in "".join(content.text)
    assert page.count("<script") == 0


def test_the_page_asks_nothing_of_a_network(page: str, content: Content) -> None:
    assert "http:" not in page
    assert "https:" not in page
    assert content.addresses() == []
    assert content.forbids_everything_else()


def test_links_lead_somewhere_and_identifiers_are_used_once(content: Content) -> None:
    identifiers = [attributes["id"] for _, attributes in content.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    targets = [
        attributes[name] for _, attributes in content.elements for name in ("href", "xlink:href") if name in attributes
    ]
    assert {str(target).removeprefix("#") for target in targets} <= set(identifiers)


def test_the_same_calibration_gives_the_same_page(
    calibration: Calibration, again: Callable[..., str], page: str
) -> None:
    assert again(calibration, faces=SHOWN) == page


@pytest.mark.parametrize("width", [500, 800, 1300])
def test_in_a_browser_everything_is_there_and_no_name_is_run(
    page: str, look: Callable[..., object], width: int
) -> None:
    expression = (
        "{owned: window.owned ?? null, pictures: [...document.images].map(one => one.naturalWidth), "
        "wide: document.documentElement.scrollWidth > window.innerWidth, "
        "clipped: [...document.querySelectorAll('figure text')].filter(one => {"
        "const [own, all] = [one, one.closest('figure')].map(each => each.getBoundingClientRect());"
        "return own.left < all.left || own.right > all.right || own.top < all.top || own.bottom > all.bottom})"
        ".map(one => one.textContent)}"
    )
    seen = look(page.replace("<details>", "<details open>"), expression, f"--window-size={width},1400")
    assert isinstance(seen, dict)
    assert seen["owned"] is None
    assert len(seen["pictures"]) == 3 * 2 * SHOWN
    assert min(seen["pictures"]) > 50
    assert not seen["wide"]
    assert seen["clipped"] == []


def test_a_browser_would_tell_if_a_name_were_run(page: str, look: Callable[..., object]) -> None:
    broken = page.replace(str(escape(BROKEN)), BROKEN)
    assert broken != page
    assert look(broken, "window.owned ?? null") == "file"


def test_no_writing_in_a_chart_runs_into_another(page: str, look: Callable[..., object]) -> None:
    expression = (
        "[...document.querySelectorAll('figure svg')].flatMap(chart => {"
        "const texts = [...chart.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()]);"
        "return texts.flatMap(([name, own], at) => texts.slice(at + 1)"
        ".filter(([_, other]) => own.left < other.right - 1 && other.left < own.right - 1"
        " && own.top < other.bottom - 4 && other.top < own.bottom - 4)"
        ".map(([other, _]) => [name, other]))})"
    )
    for width in (500, 1300):
        assert look(page, expression, f"--window-size={width},1400") == []


def test_the_page_fills_a_screen(page: str, browse: Callable[..., str], tmp_path: Path) -> None:
    browse(page, "--window-size=1000,1400", f"--screenshot={tmp_path / 'page.png'}")
    picture = np.asarray(Image.open(tmp_path / "page.png").convert("L"))
    assert picture.shape == (1400, 1000)
    assert (picture.min(axis=1) < 128).mean() > 0.2, "there is something on many lines"


def test_of_many_failures_fifty_are_named(
    calibration: Calibration, again: Callable[..., str], content_of: ContentOf
) -> None:
    many = {number: FaceSample(number, f"{number}.jpg", None, "no face found") for number in range(100, 170)}
    text = text_of(content_of(again(dataclasses.replace(calibration, left_out=many))))
    assert "149.jpg: no face found" in text
    assert "150.jpg" not in text
    assert "… and 20 more" in text


def test_without_failures_the_page_says_so(
    calibration: Calibration, again: Callable[..., str], content_of: ContentOf
) -> None:
    text = text_of(content_of(again(dataclasses.replace(calibration, left_out={}))))
    assert "None: every image was used." in text


def test_only_the_first_process_writes(calibrated: Calibrated, tmp_path: Path) -> None:
    other = SimpleNamespace(is_global_zero=False)
    CalibrationReport(tmp_path / "report.html").on_validation_end(other, calibrated[1])  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_another_module_is_refused(calibrated: Calibrated, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CalibrationReport works with FroqModule, not LightningModule"):
        CalibrationReport(tmp_path / "report.html").on_validation_end(calibrated[0], LightningModule())
