"""What is printed to a terminal, to a pipe, and to scripts, by real processes."""

import json
import os
import subprocess
import sys

import pytest
from pseudo_terminal import ESCAPES, run_in_terminal, screen_text

from froq_lightning.terminal import Line, Table, complain, show, tell, wrote
from froq_lightning.terminal.console import printing

LONG = "/".join(["a_folder_with_a_name"] * 8) + "/face.png"
FAILURE = "1 could not be scored"
SHOWN = f"""
from froq_lightning.terminal import Line, Table, complain, show, wrote
rows = [["94", "1.2298", "best.png", ""], ["45", "0.07", "[red]odd[/].png", "two"], ["3", "-0.3", "\\x1b[31mz", ""]]
show(Line("! doubtful", "remark"), Table(["quality", "quality_score", "image", "remark"], rows))
show(Table(["quality", "image", "remark"], [["61", "{LONG}", "2 faces, took the largest"]]))
show(Line("{FAILURE}", "failure"))
wrote("scores", "{LONG}.csv")
complain("no")
"""
SCRIPT = [sys.executable, "-c", SHOWN]
PLAIN = f"""\
! doubtful
  quality  quality_score  image            remark
       94         1.2298  best.png
       45           0.07  [red]odd[/].png  two
        3           -0.3  \\x1b[31mz
  quality  image{" " * (len(LONG) - 5)}  remark
       61  {LONG}  2 faces, took the largest
1 could not be scored
scores: {LONG}.csv
"""


def piped(**variables: str) -> subprocess.CompletedProcess[str]:
    unset = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(SCRIPT, capture_output=True, text=True, check=True, env=unset | variables)


@pytest.mark.parametrize("variables", [{}, {"COLUMNS": "20"}, {"TERM": "dumb"}, {"NO_COLOR": "1"}, {"COLUMNS": "400"}])
def test_a_pipe_gets_plain_text_that_is_neither_folded_nor_cut(variables: dict[str, str]) -> None:
    ran = piped(**variables)
    assert ran.stdout == PLAIN
    assert ran.stderr == "froq: no\n"


def test_a_pipe_that_is_to_have_colours_has_the_same_text() -> None:
    ran = piped(FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b[" in ran.stdout
    told = ESCAPES.sub("", ran.stdout).replace("…", "")
    assert [line.split() for line in told.splitlines()] == [line.split() for line in PLAIN.splitlines()]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal_gets_colours_and_nothing_is_cut(columns: int) -> None:
    status, printed = run_in_terminal(SCRIPT, columns)
    assert status == 0
    for coloured in ("\x1b[38;5;28m     94", "\x1b[38;5;136m     45", "\x1b[38;5;160m      3", "\x1b[33m! doubtful"):
        assert coloured in printed
    assert f"\x1b[31m{FAILURE}" in printed
    assert "\x1b[2mscores: \x1b[0m" in printed
    assert "\x1b[1mquality\x1b[0m" in printed
    assert "\x1b[31mz" not in printed  # that of the name
    screen = screen_text(printed)
    assert r"\x1b[31mz" in screen
    assert "[red]odd[/].png" in screen
    whole = "".join(screen.split())
    assert f"scores:{LONG}.csv" in whole
    lines = [line for line in screen.splitlines() if not line.startswith("scores: ")]  # left to the terminal to wrap
    assert max(map(len, lines)) <= columns
    first, end = lines.index(next(line for line in lines if line.startswith("       61"))), lines.index(FAILURE)
    assert "".join(line[11:].split("  ")[0] for line in lines[first:end]) == LONG


@pytest.mark.parametrize(("variables", "has"), [({"NO_COLOR": "1"}, ""), ({"TERM": "dumb"}, "plain")])
def test_a_terminal_without_colours_gets_none(variables: dict[str, str], has: str) -> None:
    _, printed = run_in_terminal(SCRIPT, 120, **variables)
    assert not {code for code in ("31", "33", "38;5;28") if f"\x1b[{code}m" in printed}
    if has:
        assert printed.replace("\r\n", "\n") == PLAIN + "froq: no\n"


def test_json_is_one_object_and_the_rest_goes_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    with printing(json=True, command="predict"):
        show("a title", Line("! doubtful", "remark"), Line("5 failed", "failure"), Table(["a"], [["1"]]))
        wrote("scores", "caf\udce9.csv", "table")
        tell(images={"total": 5})
        tell(images={"failed": 5})
        print("a library speaks")
    out, err = capsys.readouterr()
    told = json.loads(out.encode("utf-8"))
    assert told.pop("seconds") >= 0
    assert told == {
        "command": "predict",
        "remarks": ["doubtful"],
        "outputs": {"table": "caf\\udce9.csv"},
        "images": {"total": 5, "failed": 5},
    }
    assert err == "! doubtful\n5 failed\nscores: caf\\udce9.csv\na library speaks\n"


def test_quiet_leaves_errors_and_remarks(capsys: pytest.CaptureFixture[str]) -> None:
    with printing(quiet=True):
        show("a title", Line("! doubtful", "remark"), Line("5 failed", "failure"), Table(["a"], [["1"]]))
        wrote("scores", "scores.csv")
        complain("nothing could be scored")
        print("a library speaks")
    assert capsys.readouterr() == ("", "! doubtful\nfroq: nothing could be scored\n")
    show("as before")
    assert capsys.readouterr() == ("as before\n", "")


def test_quiet_json_is_the_object_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with printing(quiet=True, json=True):
        wrote("scores", "scores.csv")
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out)["outputs"] == {"scores": "scores.csv"}


def test_a_command_that_fails_prints_no_object(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="bad"), printing(json=True):
        raise ValueError("bad")
    assert capsys.readouterr() == ("", "")
