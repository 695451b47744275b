from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from froq_lightning.data.degradations import KINDS, Degradations
from froq_lightning.errors import ConfigurationError, UnknownNameError


def portrait(size: int = 112) -> Tensor:
    """A colour gradient with a sharp edge, [3, size, size] uint8."""
    ramp = torch.linspace(0, 200, size)
    image = torch.stack([ramp.expand(size, size), ramp.expand(size, size).T, torch.full((size, size), 90.0)])
    image[:, size // 3 : size // 2] = 250
    return image.to(torch.uint8)


@given(seed=st.integers(0, 2**32), index=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_what_happens_to_an_image_depends_on_seed_and_index_alone(seed: int, index: int) -> None:
    first, note = Degradations(share=1.0, seed=seed)(portrait(), index)
    torch.rand(3)  # the state of the global generator has no say
    again, same_note = Degradations(share=1.0, seed=seed)(portrait(), index)
    assert torch.equal(first, again)
    assert note == same_note


@given(seed=st.integers(0, 2**32), index=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_what_happens_to_a_copy_depends_on_its_number_too_and_not_on_how_many_there_are(seed: int, index: int) -> None:
    two, four = (Degradations(0, seed=seed, copies=copies) for copies in (2, 4))
    image = portrait(16)
    notes = {two(image, index, number)[1] for number in (1, 2)}
    assert len(notes) == 2
    assert notes == {four(image, index, number)[1] for number in (1, 2)}
    assert all(note.startswith("degraded: ") for note in notes)
    assert two(image, index) == (image, "")


def test_a_copy_of_a_degraded_image_is_that_image_degraded_once_more() -> None:
    degrade = Degradations(share=1.0, copies=1)
    (first, note), (again, notes) = (degrade(portrait(), 5, copy) for copy in (0, 1))
    assert notes.startswith(f"{note}, ")
    once, alone = Degradations(share=0.0, copies=1)(first, 5, 1)
    assert torch.equal(again, once)
    assert notes == f"{note}, {alone.removeprefix('degraded: ')}"


@pytest.mark.parametrize(
    "options", [{"copies": -1}, {"copies": 2, "kinds": ()}, {"share": -0.1}, {"share": 1.5}, {"share": float("nan")}]
)
def test_impossible_copies_and_shares_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"Expected .*`{next(iter(options))}`"):
        Degradations(**options)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_about_the_share_of_the_images_is_degraded_and_the_others_are_untouched(share: float) -> None:
    degrade = Degradations(share=share)
    image = portrait(16)
    results = [degrade(image, index) for index in range(200)]
    degraded = [note for _, note in results if note]
    assert len(degraded) / 200 == pytest.approx(share, abs=0.1)
    assert all(result is image for result, note in results if not note)


def test_all_kinds_are_drawn_and_only_those_asked_for() -> None:
    def kinds(degrade: Degradations) -> set[str]:
        return {degrade(portrait(16), index)[1].split()[1] for index in range(60)}

    assert kinds(Degradations(share=1.0)) == set(KINDS)
    assert kinds(Degradations(share=1.0, kinds=("blur", "noise"))) == {"blur", "noise"}


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_degradation_keeps_shape_and_type_and_harms_more_the_more_severe_it_is(kind: str) -> None:
    image = portrait()
    damage = []
    for severity in (0.1, 0.5, 1.0):
        degraded = KINDS[kind](image, severity, torch.Generator().manual_seed(0))
        assert degraded.shape == image.shape
        assert degraded.dtype == torch.uint8
        damage.append(float((degraded.float() - image.float()).abs().mean()))
    assert 0 < damage[0] < damage[1] < damage[2]


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown degradation 'blurr'; nearest: blur"):
        Degradations(kinds=("blurr",))
