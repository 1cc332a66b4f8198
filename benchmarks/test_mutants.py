"""`make mutants`: what is changed, that the right tests run on it, and how the score is counted."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from benchmarks.mutants import HERE, ROOT, Found, outcomes_of, reasons_of
from benchmarks.mutants_made import Mutant, mutants_of
from benchmarks.mutants_worker import functions_changed

CONFIG = tomllib.loads((HERE / "mutants.toml").read_text(encoding="utf-8"))
SOURCE = '''
from dataclasses import dataclass

LEAST = 3  # of something
NAMES = ("one", "two")


@dataclass(frozen=True)
class Rule:
    least: int | None = 1

    def allows(self, n: int, names: "list[str] | None") -> bool:
        """Say 1 or 2."""
        if n < self.least:
            raise ValueError(n)
        return n in (LEAST, 5) and not names
'''


def made(source: str = SOURCE) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for mutant in mutants_of(source, CONFIG["operators"]):
        found.setdefault((mutant.function, mutant.line), set()).add(mutant.becomes)
    return found


def test_numbers_comparisons_tables_and_statements_are_changed() -> None:
    mutants = made()
    assert mutants["", "LEAST = 3"] == {"LEAST = 4", "LEAST = 2"}
    assert mutants["", 'NAMES = ("one", "two")'] == {'NAMES = ( "two",)', 'NAMES = ("one",)'}
    assert mutants["Rule", "@dataclass(frozen=True)"] == {"@dataclass(frozen=False)", ""}
    assert "if n <= self.least:" in mutants["Rule.allows", "if n < self.least:"]
    assert mutants["Rule.allows", "raise ValueError(n)"] == {"pass"}
    decided = mutants["Rule.allows", "return n in (LEAST, 5) and not names"]
    assert {
        "return n in (LEAST, 5) or not names",
        "return n not in (LEAST, 5) and not names",
        "return n in (LEAST,) and not names",
    } <= decided


def test_what_cannot_be_seen_when_the_code_runs_is_left_alone() -> None:
    assert not any("def allows" in line or '"""' in line for _, line in made())


def test_a_mutant_is_the_same_when_lines_above_it_come_and_go() -> None:
    moved = SOURCE.replace("LEAST = 3  # of something", "# A comment.\n\nOTHER = None\nLEAST = 3  # of all")
    assert made(moved) == made()


def test_a_change_is_a_matter_of_the_functions_around_it() -> None:
    line = SOURCE.splitlines().index("        if n < self.least:") + 1
    changed = functions_changed(SOURCE, SOURCE.replace("n < self", "n <= self"))
    assert changed == {line - 2}
    assert functions_changed(SOURCE, SOURCE.replace("LEAST = 3", "LEAST = 4")) is None
    assert functions_changed(SOURCE, SOURCE.replace("= 1", "= 2")) is None


def test_the_tests_notice_a_mistake_and_let_a_new_wording_pass() -> None:
    module = "ml/metrics.py"
    source = (ROOT / module).read_text(encoding="utf-8")
    wrong = source.replace("(ranks <= k).any()", "(ranks < k).any()")
    worded = source.replace("the model is broken", "the model is wrong")
    loops = source.replace("return len(np.unique(top))", "raise SystemExit\n    return len(np.unique(top))")
    assert len({source, wrong, worded, loops}) == 4
    found = outcomes_of(module, [wrong, worded, loops, source], ["ml/tests/test_metrics.py"], sys.executable)
    assert found == ["killed", "survived", "killed", "survived"]
    assert (ROOT / module).read_text(encoding="utf-8") == source


def test_tests_that_fail_by_themselves_prove_nothing(tmp_path: Path) -> None:
    failing = tmp_path / "test_failing.py"
    failing.write_text("import ml.wording\n\ndef test_it():\n    assert ml.wording is None\n")
    with pytest.raises(SystemExit, match="fail without any mutant"):
        outcomes_of("ml/wording.py", ["x = 1"], [str(failing)], sys.executable)


def test_survivors_are_explained_by_their_words_and_reasons_without_one_are_named() -> None:
    explained = {
        "*": [{"function": "*", "reason": "r", "mutants": [["frozen", "melted"]]}],
        "a.py": [{"function": "f", "reason": "s", "mutants": [["x < 1", "x <= 1"], ["old", "new"]]}],
    }
    outcomes = [
        (Mutant("f", "x < 1", "x <= 1", ""), "survived"),
        (Mutant("g", "frozen", "melted", ""), "survived"),
        (Mutant("f", "x < 2", "x <= 2", ""), "survived"),
        (Mutant("f", "old", "new", ""), "killed"),
    ]
    found = Found.of("a.py", outcomes, reasons_of(explained, "a.py"))
    assert (found.total, found.killed, len(found.explained)) == (4, 1, 2)
    assert [mutant.line for mutant in found.unexplained] == ["x < 2"]
    assert found.stale == [("f", "old", "new")]


def test_every_module_and_test_of_the_configuration_is_there() -> None:
    for module, settings in CONFIG["modules"].items():
        for path in (module, *settings["tests"]):
            assert (ROOT / path.split("::")[0]).exists(), path
    explained = tomllib.loads((HERE / "mutants_explained.toml").read_text(encoding="utf-8"))
    assert explained.keys() <= {"*", *CONFIG["modules"]}
