"""What a node runs of each stack, by its orders."""

from __future__ import annotations

from msgspec.structs import replace

from bot.domain.names import CommitSha, StackName, SubmodulePath
from bot.features.rollout.decide.deployed import find_deployed
from bot.features.rollout.facts import PastOrder, Stage
from bot.protocol.order import OrderKind
from tests.unit.features.rollout.test_orders import SERVER, past

WEB, DB = StackName("web"), StackName("db")


def at(number: int, *stacks: StackName, **changes: object) -> PastOrder:
    return replace(past(number, Stage.SUCCEEDED), stacks=stacks, commit=CommitSha(f"{number:040x}"), **changes)


def test_a_stack_is_where_the_newest_order_for_it_or_for_all_left_it() -> None:
    newest, older, whole, before = at(9, WEB), at(8, WEB, DB), at(7), at(6, StackName("old"))
    found = find_deployed([newest, older, whole, before], SERVER)
    assert found.whole == whole
    assert found.newest == newest
    assert list(found.apart.items()) == [(WEB, newest), (DB, older)]


def test_only_what_succeeded_touched_the_submodule_and_changed_something_counts() -> None:
    failed = replace(at(9, WEB), stage=Stage.FAILED)
    asked = replace(at(8, DB), kind=OrderKind.DRIFT)
    other = replace(at(7, WEB), submodule=SubmodulePath("other"))
    whole = at(6)
    found = find_deployed([failed, asked, other, whole], SERVER)
    assert (found.whole, found.newest, found.apart) == (whole, whole, {})


def test_a_node_that_never_got_all_stacks_has_those_that_it_got() -> None:
    one = at(3, WEB)
    assert find_deployed([one], SERVER).whole is None
    assert find_deployed([one], SERVER).apart == {WEB: one}
    assert find_deployed([], SERVER).newest is None
