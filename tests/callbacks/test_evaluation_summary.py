import dataclasses

import pytest

from froq_lightning.callbacks.evaluation_summary import caveats, left_out
from froq_lightning.evaluation.outcome import Evaluation, MethodFacts


def remarked(evaluation: Evaluation, remarks: dict[tuple[str, float, str], str]) -> list[str]:
    """State what there is to say if results carry these remarks, by data set, FMR and method."""
    results = [
        dataclasses.replace(one, remark=remarks.get((one.data_set, one.fmr, one.method), ""))
        for one in evaluation.results
    ]
    said = caveats(dataclasses.replace(evaluation, results=tuple(results), methods=evaluation.methods[:2]))
    others = ("embedding", "without a quality", "false non-matches", "marked as the best")
    return [line for line in said if not any(other in line for other in others)]


def test_refusals_and_what_is_missing_are_stated(evaluation: Evaluation) -> None:
    said = caveats(evaluation)
    assert "refused cannot work here: needs dropout" in said
    assert "beta: 1 of 100 images gave no embedding; 3 comparison trials are left out with them" in said
    unscored = evaluation.result("beta", "good", "froq", 0.05).unscored
    assert f"beta, good: {unscored} comparison trials without a quality are discarded first" in said
    assert unscored > 0
    assert not any(line.startswith("alpha:") for line in said)


def test_notes_on_data_sets_network_and_methods_are_stated(evaluation: Evaluation) -> None:
    sets = (dataclasses.replace(evaluation.sets[0], note="non-mated trials sampled"), evaluation.sets[1])
    lines = caveats(dataclasses.replace(evaluation, sets=sets, notes=("froq: perhaps chance",)))
    assert {"alpha: non-mated trials sampled", "froq: perhaps chance"} <= set(lines)


def test_a_remark_is_stated_once_with_what_it_is_about(evaluation: Evaluation) -> None:
    every = {
        (one, fmr, method): "x" for one in ("alpha", "beta") for fmr in (0.05, 0.001) for method in ("good", "bad")
    }
    assert remarked(evaluation, every) == ["x"]
    assert remarked(evaluation, {key: "x" for key in every if key[2] == "bad"}) == ["bad: x"]
    assert remarked(evaluation, {key: "x" for key in every if key[1] == 0.05}) == [
        "alpha at FMR 0.05, beta at FMR 0.05: x"
    ]
    assert remarked(evaluation, {("beta", 0.001, "good"): "x; y"}) == [
        "beta at FMR 0.001, good: x",
        "beta at FMR 0.001, good: y",
    ]


def test_too_few_trials_for_an_fmr_are_told_with_the_number_needed(evaluation: Evaluation) -> None:
    (line,) = (line for line in caveats(evaluation) if "FMR 0.001 needs" in line and "alpha" in line)
    count = evaluation.result("alpha", "good", "froq", 0.001).non_mated
    assert f"only {count} of the 1000 non-mated trials that FMR 0.001 needs" in line


@pytest.mark.parametrize(
    ("missed", "matched", "warned"), [(7, 200, True), (200, 3, True), (29, 29, True), (30, 30, False)]
)
def test_results_on_few_errors_are_stated_with_their_number(
    evaluation: Evaluation, missed: int, matched: int, *, warned: bool
) -> None:
    results = [dataclasses.replace(one, false_non_matches=missed, false_matches=matched) for one in evaluation.results]
    lines = caveats(dataclasses.replace(evaluation, results=tuple(results)))
    warning = (
        f"alpha at FMR 0.05: results rest on {missed} false non-matches, and the threshold on {matched} false matches; "
        "with fewer than 30 errors, differences between methods may be chance"
    )
    assert (warning in lines) == any("fewer than 30" in line for line in lines) == warned


def test_conventions_that_count_other_errors_are_told_together(evaluation: Evaluation) -> None:
    results = [
        dataclasses.replace(one, false_non_matches=9 if one.convention == "cr-fiqa" else 7, false_matches=40)
        for one in evaluation.results
    ]
    said = caveats(dataclasses.replace(evaluation, results=tuple(results)))
    assert sum("rest on 7 to 9 false non-matches, and the threshold on 40 false matches" in line for line in said) == 4


def test_what_would_tell_the_best_method_is_said_where_several_have_no_intervals(evaluation: Evaluation) -> None:
    told = "no method is marked as the best: whether differences are more than chance is known only with intervals"
    assert any(line.startswith(told) for line in caveats(evaluation))
    alone = dataclasses.replace(evaluation, methods=evaluation.methods[:1])
    known = tuple(dataclasses.replace(one, low=0.1, high=0.2) for one in evaluation.results)
    for other in (alone, dataclasses.replace(evaluation, results=known)):
        assert not any(line.startswith(told) for line in caveats(other))


@pytest.mark.parametrize(
    ("data_set", "method", "favoured"),
    [
        ("xqlfw", "ser_fiq", True),
        ("XQLFW-aligned", "SER-FIQ", True),
        ("xqlfw", "ser_fiq (rate=0.5)", True),
        ("xqlfw", "froq", False),
        ("lfw", "ser_fiq", False),
    ],
)
def test_ser_fiq_on_xqlfw_is_remarked(evaluation: Evaluation, data_set: str, method: str, *, favoured: bool) -> None:
    sets = (dataclasses.replace(evaluation.sets[0], name=data_set),)
    results = tuple(dataclasses.replace(row, data_set=data_set, method=method) for row in evaluation.results)
    renamed = dataclasses.replace(evaluation, sets=sets, methods=(MethodFacts(method, {}),), results=results)
    remark = f"{data_set}: XQLFW was built with SER-FIQ scores: its results favour SER-FIQ"
    assert (remark in caveats(renamed)) == favoured


def test_of_many_failures_the_first_are_named_and_the_rest_counted(evaluation: Evaluation) -> None:
    many = dataclasses.replace(evaluation.sets[0], left_out={f"{n}.jpg": "no face found" for n in range(7)})
    assert left_out(many, 2) == ["0.jpg: no face found", "1.jpg: no face found", "… and 5 more"]
    assert len(left_out(many, 7)) == 7
