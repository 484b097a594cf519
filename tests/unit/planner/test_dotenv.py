"""What a stack's `.env` says, by the rules of compose. Each row was tried with compose itself."""

from __future__ import annotations

from typing import cast

import pytest

from bot.domain.names import NodeName, StackName
from bot.fleetfile import Node
from bot.planner.dotenv import read_dotenv
from bot.planner.snapshot import Snapshot
from bot.planner.stacks import Stack, make_request

NO_SNAPSHOT = cast("Snapshot", None)  # nothing is looked for in it where the fleet file names the files
VARIABLES = "P=p\nE=\nexport Q=q\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("X=a", "a"),
        ("X=a,b  ", "a,b"),
        ("X = a b", "a b"),
        ("X: a", "a"),
        ("export X=a", "a"),
        ("X=a\nX=b", "b"),
        ("X=a # b", "a"),
        ("X=a\t# b", "a\t# b"),
        ("X=a#b", "a#b"),
        ("X= # b", "# b"),
        ("X=", ""),
        ("X='a # b' # c", "a # b"),
        ('X="a\\"b$P"', 'a"bp'),
        ("X='a\\'b$P'", "a'b$P"),
        ('Y="\nX=a\n"\nX=b', "b"),
        ('X=b\nY="\nX=a\n"', "b"),
        ("Y='X=a", None),
        ("X=a\n# X=b\n  # X=c", "a"),
        ("X=$P,${Q}", "p,q"),
        ('X="${P}"', "p"),
        ("X=a$$P", "a$P"),
        ("X=${NO:-a},${NO-b}", "a,b"),
        ("X=${P:-a},${P-b}", "p,p"),
        ("X=[${E:-a},${E-b}]", "[a,]"),
        ("X=${NO:-${NO:-$Q}}", "q"),
        ("X=[${P:+a},${P+b},${E:+c},${E+d},${NO+e}]", "[a,b,,d,]"),
        ("X=${P:?b}", "p"),
        ("X=a\r\nY=b\r\n", "a"),
        ("OTHER=1\nXX=2\n", None),
        ("XX=2\nX=a:b", "a:b"),
        ("\ufeffX=a", "a"),
    ],
)
def test_a_setting_is_what_compose_reads(text: str, value: str | None) -> None:
    found = read_dotenv(text if text.startswith("\ufeff") else VARIABLES + text, {})
    assert found.get("X") == value
    assert value is None or "X" in found


@pytest.mark.parametrize(
    "value",
    ["$NO", "${NO}", "${NO:?b}", "${E:?b}", "$", "a$", "${P", "${P b}", "${NO:-$NO}", '"a\\nb"', "$U", "${U:-a}"],
)
def test_what_only_the_node_knows_is_no_guess(value: str) -> None:
    assert read_dotenv(f"{VARIABLES}U=$NO\nX={value}", {}) | {"P": "", "E": "", "Q": ""} == {
        "P": "",
        "E": "",
        "Q": "",
        "U": None,
        "X": None,
    }


def test_what_the_fleet_file_sets_counts_more() -> None:
    assert read_dotenv("P=p\nX=$P\nK\nO\n", {"P": "other", "K": "k"}) == {"P": "p", "X": "other", "K": "k"}


def test_behind_an_error_nothing_is_read() -> None:
    assert read_dotenv("A=a\nb c=d\nX=x", {}) == {"A": "a"}
    assert read_dotenv("A=a\n=d\nX=x", {}) == {"A": "a"}


def test_values_do_not_grow_without_end() -> None:
    lines = [f"A{at}=$A{at - 1}$A{at - 1}" for at in range(1, 60)]
    found = read_dotenv("\n".join(["A0=aa", *lines]), {})
    assert found["A11"] == "a" * 4096
    assert found["A12"] is found["A59"] is None


@pytest.mark.parametrize(
    ("text", "profiles"),
    [
        ("DB=postgres\nCOMPOSE_PROFILES=${STORE:-weaviate},${DB:-mysql}", ("weaviate", "postgres")),
        ("COMPOSE_PROFILES=$TIER", ("gold",)),
        ('NOTE="\nCOMPOSE_PROFILES=debug\n"', ()),
    ],
)
def test_the_profiles_may_be_made_of_variables(text: str, profiles: tuple[str, ...]) -> None:
    node = Node(name=NodeName("N"), variables={"TIER": "gold"}, files={StackName("s"): ("compose.yaml",)})
    request = make_request(node, Stack(StackName("s"), "server/s", text), NO_SNAPSHOT, is_old=False)
    assert (request.profiles, request.problem) == (profiles, "")


def test_a_setting_that_only_the_node_knows_is_a_problem_where_it_counts() -> None:
    stack = Stack(StackName("s"), "server/s", "COMPOSE_PROFILES=$NO\n")
    node = Node(name=NodeName("N"), files={StackName("s"): ("compose.yaml",)})
    request = make_request(node, stack, NO_SNAPSHOT, is_old=False)
    assert request.problem == (
        "server/s/.env: COMPOSE_PROFILES is made of variables that are not known here; write the value itself"
    )
