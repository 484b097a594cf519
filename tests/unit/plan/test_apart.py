"""Putting a node's change together from stacks that run different pins."""

from __future__ import annotations

from bot.domain.names import CommitSha, NodeName, StackName
from bot.fleetfile import Node
from bot.plan.apart import join_stacks, only_stacks, start_at, without_stacks
from bot.plan.rendering import NodeChange, StackChange

PIN = CommitSha("a" * 40)


def stack(name: str, was: str = "", old_pin: CommitSha | None = None) -> StackChange:
    return StackChange(
        stack=StackName(name), folder=f"server/{name}", was=StackName(was) if was else None, old_pin=old_pin
    )


def change(*stacks: StackChange, changed: frozenset[str] = frozenset()) -> NodeChange:
    return NodeChange(node=Node(name=NodeName("n")), stacks=stacks, changed=changed)


def names(change: NodeChange) -> list[str]:
    return [one.stack for one in change.stacks]


def test_stacks_are_picked_by_the_name_they_have_or_had_in_full_or_by_their_folder() -> None:
    whole = change(stack("a"), stack("b/web"), stack("c", was="old"), stack("d", was="x/left"), stack("web2"))
    own = frozenset({StackName("web"), StackName("old"), StackName("left")})
    assert names(only_stacks(whole, own)) == ["b/web", "c", "d"]
    assert names(without_stacks(whole, own)) == ["a", "web2"]
    assert names(only_stacks(whole, {StackName("b/web")})) == ["b/web"]
    assert names(only_stacks(whole, frozenset())) == []
    deep = change(stack("a/b/web"))
    assert names(only_stacks(deep, {StackName("web")})) == ["a/b/web"]
    assert names(only_stacks(deep, {StackName("b/web")})) == []


def test_each_stack_says_where_it_starts_and_what_changed_since() -> None:
    (one,) = start_at(change(stack("a"), changed=frozenset({"f"})), PIN).stacks
    assert (one.old_pin, one.changed) == (PIN, frozenset({"f"}))
    whole = change(one, stack("b"), changed=frozenset({"g"}))
    assert [whole.changed_for(each) for each in whole.stacks] == [{"f"}, {"g"}]


def test_stacks_stand_in_the_order_of_the_whole_and_the_first_reading_counts() -> None:
    whole = change(stack("a"), stack("b"), stack("gone"))
    joined = join_stacks(whole, [change(stack("z"), stack("b", old_pin=PIN)), change(stack("a"), stack("b"))])
    assert names(joined) == ["a", "b", "z"]
    assert [one.old_pin for one in joined.stacks] == [None, PIN, None]
    assert names(join_stacks(change(stack("b"), stack("a")), [change(stack("a"), stack("b"))])) == ["b", "a"]
