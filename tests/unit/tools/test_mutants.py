"""The mutation tool: which mutants there are, which tests they meet, what the report says."""

from __future__ import annotations

import pytest

from tools.mutants.processes import Result
from tools.mutants.report import Equivalents, change_of, print_scores, print_survivors, read_equivalents
from tools.mutants.session import Reach
from tools.mutants.source import Mutant, make_mutants, package_of, whole_file

PATH = "bot/plan/example.py"
TEXT = '''LIMIT = 3


def area(width: int, height: int = 1) -> int:
    """How much it is."""
    size = width * height
    return min(
        size,
        LIMIT,
    )


class Box:
    @property
    def name(self) -> str:
        return "box"

    def holds(self, size: int) -> bool:
        return size <= area(1, height=2)
'''


def mutants() -> list[Mutant]:
    return list(make_mutants(PATH, TEXT))


def test_mutmuts_operators_change_functions_and_methods() -> None:
    changes = {(change[1], change[2], change[3]) for change in map(change_of, mutants())}
    assert ("area", ("size = width * height",), ("size = width / height",)) in changes
    assert ("area", ("size = width * height",), ("size = None",)) in changes
    assert ("area", ("LIMIT,",), ("None,",)) in changes
    assert ("Box.holds", ("return size <= area(1, height=2)",), ("return size < area(1, height=2)",)) in changes
    assert ("Box.holds", ("return size <= area(1, height=2)",), ("return size <= area(1, )",)) in changes
    assert {name for name, _, _ in changes} == {"area", "Box.holds"}


def test_a_mutant_has_the_lines_of_its_statement() -> None:
    lines = {change_of(mutant)[2:]: mutant.lines for mutant in mutants()}
    assert lines[("size = width * height",), ("size = None",)] == (6, 6)
    assert lines[("LIMIT,",), ("None,",)] == (7, 10)
    default = next(
        span for (_, added), span in lines.items() if "def area(width: int, height: int = 2) -> int:" in added
    )
    assert default == (4, 10)  # a default is read whenever the function runs


def test_the_whole_file_differs_by_the_mutation_alone() -> None:
    for mutant in mutants():
        changed = whole_file(TEXT, mutant.index)
        compile(changed, PATH, "exec")
        assert changed != TEXT
        assert changed.startswith("LIMIT = 3\n")


def test_tests_that_reach_the_statement_run_quickest_first_and_within_the_limit() -> None:
    mutant = next(m for m in mutants() if m.lines == (6, 6))
    reach = Reach(
        {PATH: {6: ["slow", "quick", "endless"], 19: ["elsewhere"]}},
        {"slow": 9, "quick": 1, "endless": 6, "elsewhere": 0},
    )
    assert reach.trial(mutant).tests == ["quick", "endless"]
    assert reach.trial(mutant, "slow").tests == ["slow", "quick"]
    assert reach.trial(mutant).seconds == 7
    assert Reach({}, {}).trial(mutant).tests == []


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("bot/plan/report/check.py", "plan"),
        ("bot/features/bump/decide.py", "features/bump"),
        ("bot/features/commands/decide/deploy.py", "features/commands"),
    ],
)
def test_a_file_counts_for_its_package(path: str, package: str) -> None:
    assert package_of(path) == package


def test_scores_leave_equivalents_out_and_survivors_are_shown(
    capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, second, third, fourth, *_ = found = mutants()
    listed = tmp_path_factory.mktemp("list") / "equivalent.txt"
    where, function, removed, added = change_of(first)
    entry = [f"{where}::{function}", *(f"- {line}" for line in removed), *(f"+ {line}" for line in added), "why: so."]
    listed.write_text("# a remark\n" + "\n".join(entry))
    equivalents = Equivalents(listed, found)
    assert equivalents.argued(first)
    assert not equivalents.argued(second)
    results = {second.key: Result("test", 1), third.key: Result("", 2), fourth.key: Result("", 0)}
    print_scores(found[:4], results, equivalents)
    print_survivors(found[:4], results, equivalents)
    printed = capsys.readouterr().out
    assert printed.splitlines()[2].split() == ["plan", "4", "1", "1", "1", "1", "0", "33.3", "%"]
    assert f"{PATH}:{third.line} area\n" in printed
    assert f"{PATH}:{fourth.line} area  (no test reaches it)\n" in printed
    assert f"{PATH}:{second.line} area\n  - " in printed or second.line == third.line


@pytest.mark.parametrize(
    "text", ["a.py::f\n- x\n+ y\nwhy:", "a.py\n- x\nwhy: so", "a.py::f\nwhy: so", "a.py::f\n- x"]
)
def test_an_equivalent_mutant_needs_its_argument(text: str) -> None:
    with pytest.raises(ValueError, match="equivalent mutants"):
        read_equivalents(text)
