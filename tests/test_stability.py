"""What docs/stability.md promises is held against a snapshot: nothing of it goes or changes within 1.x.

Additions pass. `python tests/test_stability.py` takes the snapshot anew, so that they are held too.
"""

import argparse
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest

import froq_lightning
from froq_lightning import extensions
from froq_lightning.backbones import spec
from froq_lightning.calibration.observer import Observer
from froq_lightning.callbacks import results_csv, trial_writer
from froq_lightning.cli.parser import create_parser
from froq_lightning.formats.format import COLUMNS

SNAPSHOT = Path(__file__).with_name("stability.json")
VERBS = ("validate", "predict", "test", "export")
# Options of Lightning's Trainer are Lightning's; the others with dots are ours.
OURS = re.compile(r"^ +(--(?!trainer\b|model\.[a-z]+\.help\b)[a-z_]+(?:[._-][a-z_]+)*)", flags=re.MULTILINE)
ADVICE = (
    "docs/stability.md promises that these stay within 1.x. Bring them back, beside what is to replace them: the old "
    "way goes on working, with a warning. For 2.0, take the snapshot anew: python tests/test_stability.py"
)


def options_of(verb: str) -> list[str]:
    """All options of a command that runs a network, but for Lightning's, as `--help all` lists them."""
    command = [sys.executable, "-m", "froq_lightning", verb, "--help", "all"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted(set(OURS.findall(text)))


def commands(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, list[str]]]:
    """Every command with its arguments."""
    arguments = []
    for action in parser._actions:  # argparse has no public way
        if isinstance(action.choices, dict):
            for command, below in action.choices.items():
                yield from commands(below, f"{name} {command}")
        else:
            arguments += [option for option in action.option_strings if option.startswith("--")] or [action.dest]
    yield name, sorted(arguments)


def schema(kind: Any, where: str = "") -> Iterator[str]:
    """The keys of a file that holds a dataclass, those within others with dots."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        yield f"{where}{field.name}"
        hint = hints[field.name]
        for inner in get_args(hint) if isinstance(hint, UnionType) or get_args(hint) else (hint,):
            if is_dataclass(inner):
                yield from schema(inner, f"{where}{field.name}.")


def parameters(of: Any) -> list[str]:
    """Parameters in their order; `=` marks those that may be left out, `*` those that go by name alone."""
    marked = []
    for parameter in inspect.signature(of).parameters.values():
        star = "*" if parameter.kind is parameter.KEYWORD_ONLY else ""
        rest = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        optional = rest or parameter.default is not parameter.empty
        marked.append(f"{star}{rest}{parameter.name}{'=' if optional else ''}")
    return marked


def signatures(module: Any) -> Iterator[tuple[str, list[str]]]:
    """The public names of a module, and the public members of its classes, with their parameters."""
    for name in module.__all__:
        thing = getattr(module, name)
        is_ours = inspect.isclass(thing) and thing.__module__.startswith("froq_lightning.")
        yield name, parameters(thing) if is_ours or inspect.isfunction(thing) else []
        for member, value in vars(thing).items() if is_ours else ():
            called = getattr(thing, member) if isinstance(value, classmethod | staticmethod) else value
            if not member.startswith("_") or member == "__call__":
                yield f"{name}.{member}", parameters(called) if callable(called) else []


def tables() -> dict[str, list[str]]:
    """The columns that every table begins with."""
    results = {name: getattr(results_csv, name.upper()).columns for name in ("results", "pivoted", "errors", "times")}
    every = {"scores": COLUMNS, "trials": trial_writer.COLUMNS, **results}
    return {name: list(columns) for name, columns in every.items()}


def names_by_group() -> dict[str, list[str]]:
    """What froq-lightning itself registers in every group of entry points."""
    groups = {value for name, value in vars(extensions).items() if name.isupper() and str(value).startswith("froq_")}
    return {
        group: sorted(
            name for name, each in extensions.discover(group).plugins.items() if each.distribution == "froq-lightning"
        )
        for group in sorted(groups)
    }


def promised() -> dict[str, Any]:
    """All that is promised, as it is now, but for the options of the verbs, which takes long."""
    return {
        "commands": dict(sorted(commands(create_parser(), "froq"))),
        "observer": {"keys": sorted(schema(Observer))},
        "names": {"froq_lightning": sorted(froq_lightning.__all__)},
        "entry points": names_by_group(),
        "columns": tables(),
        "froq_lightning.backbones.spec": dict(signatures(spec)),
    }


def broken(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What was promised then and is not so now, a line each."""
    lines = []
    for topic, members in then.items():
        for name, values in members.items():
            if name not in now[topic]:
                lines.append(f"{topic}: {name} is gone")
            elif topic == "columns" and now[topic][name][: len(values)] != values:
                lines.append(f"columns of {name} were {', '.join(values)} at the beginning")
            elif topic == spec.__name__:
                lines += [f"{topic}: {name}: {line}" for line in broken_call(values, now[topic][name])]
            else:
                lines += [f"{topic}: {name}: {value} is gone" for value in values if value not in now[topic][name]]
    return lines


def broken_call(then: list[str], now: list[str]) -> Iterator[str]:
    """Why calls that were right then are not so now."""
    known = {each.rstrip("=") for each in then}
    by_position = [[each.rstrip("=") for each in marked if each[0] != "*"] for marked in (then, now)]
    if by_position[1][: len(by_position[0])] != by_position[0]:
        yield f"parameters by position were {', '.join(by_position[0])}"
    for each in then:
        if each not in now and f"{each}=" not in now:
            yield f"parameter {each.strip('*=')} is gone, or has to be given"
    yield from (
        f"parameter {each} has to be given" for each in now if each.rstrip("=") not in known and each[-1] != "="
    )


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return promised()


@pytest.fixture(scope="module")
def then() -> dict[str, Any]:
    return json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_nothing_that_is_promised_has_gone_or_changed(then: dict[str, Any], now: dict[str, Any]) -> None:
    gone = broken({topic: then[topic] for topic in then if topic != "options"}, now)
    assert not gone, "\n".join([*gone, ADVICE])


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_no_option_has_gone(then: dict[str, Any], verb: str) -> None:
    gone = broken({"options": {verb: then["options"][verb]}}, {"options": {verb: options_of(verb)}})
    assert not gone, "\n".join([*gone, ADVICE])


@pytest.mark.parametrize(
    ("topic", "name", "change", "line"),
    [
        ("commands", "froq select", ["--min-quality"], "--min-quality is gone"),
        ("observer", "keys", ["layers.weight"], "layers.weight is gone"),
        ("entry points", extensions.FORMATS, ["ofiq"], "ofiq is gone"),
        ("columns", "scores", ["status"], "columns of scores were image, quality_score, quality, status, reason"),
        (spec.__name__, "Backbone", ["embed="], "parameter embed is gone"),
        (spec.__name__, "Backbone.with_weights", ["*key="], "parameter key is gone"),
        (spec.__name__, "Preprocessing.normalise", None, "Preprocessing.normalise is gone"),
    ],
)
def test_what_goes_is_named(now: dict[str, Any], topic: str, name: str, change: list[str] | None, line: str) -> None:
    changed = deepcopy(now)
    if change is None:
        del changed[topic][name]
    else:
        changed[topic][name] = [value for value in now[topic][name] if value not in change]
    assert line in "\n".join(broken(now, changed))


def test_additions_are_allowed(now: dict[str, Any]) -> None:
    more = deepcopy(now)
    more["commands"]["froq select"].append("--further")
    more["columns"]["scores"].append("further")
    more["entry points"]["froq_lightning.further"] = []
    more[spec.__name__]["Backbone"].append("further=")
    assert not broken(now, more)


def test_a_parameter_that_has_to_be_given_breaks_calls() -> None:
    assert not list(broken_call(["network", "note="], ["network", "note=", "further=", "*named=", "**rest="]))
    assert list(broken_call(["network"], ["network", "further"])) == ["parameter further has to be given"]
    assert list(broken_call(["note="], ["note"])) == ["parameter note is gone, or has to be given"]
    assert "by position" in next(broken_call(["network", "weights"], ["weights", "network"]))


if __name__ == "__main__":
    taken = promised() | {"options": {verb: options_of(verb) for verb in VERBS}}
    SNAPSHOT.write_text(json.dumps(taken, indent=1) + "\n", encoding="utf-8")
