"""Which nodes and stacks a command means. Pure."""

from __future__ import annotations

from bot.domain.names import StackName
from bot.domain.values import Value
from bot.domain.verbs import Verb
from bot.features.commands.decide.actions import Refuse
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.command import CommandFacts, NodeAt
from bot.features.commands.grammar import Command


class Targets(Value, frozen=True):
    """The nodes that are meant. `named`: the person said which; else these are all."""

    nodes: tuple[NodeAt, ...]
    named: bool = False
    stacks: tuple[StackName, ...] = ()
    text: str = ""  # what follows the nodes' names after /lock


_NEED_NODES = (Verb.DEPLOY, Verb.ROLLBACK, Verb.RETRY, Verb.LOCK, Verb.UNLOCK)


def read_targets(facts: CommandFacts, said: Command) -> Targets | Refuse:
    """The nodes and stacks that `said` names, or why a name is none."""
    every = facts.nodes
    if said.verb in _NEED_NODES and not every:
        return Refuse(reason=CommandReason.NO_NODES)
    if said.verb is Verb.LOCK:
        return _read_lock(facts, said)
    if said.wave is not None:
        if said.wave > len(facts.waves):
            return Refuse(reason=CommandReason.UNKNOWN_WAVE, about=(str(said.wave),))
        wave = facts.waves[said.wave - 1]
        return _with_stacks(facts, said, tuple(n for n in every if n.node.name in wave), said.names)
    if said.everything:
        return _with_stacks(facts, said, every, said.names)
    found, rest = _leading_nodes(facts, said.names)
    if found:
        return _with_stacks(facts, said, found, rest)
    if said.verb is Verb.DEPLOY and len(every) > 1:
        unknown = _unknown_stack(facts, rest)
        return unknown or Refuse(reason=CommandReason.NAME_TARGETS, about=tuple(n.node.name for n in every))
    whole = _with_stacks(facts, said, every, rest)
    return whole if isinstance(whole, Refuse) else Targets(nodes=whole.nodes, stacks=whole.stacks)


def _leading_nodes(facts: CommandFacts, words: tuple[str, ...]) -> tuple[tuple[NodeAt, ...], tuple[str, ...]]:
    by_name = {n.node.name.lower(): n for n in facts.nodes}  # nodes never differ in case only
    count = next((i for i, word in enumerate(words) if word.lower() not in by_name), len(words))
    found = dict.fromkeys(word.lower() for word in words[:count])
    return tuple(by_name[name] for name in found), words[count:]


def _with_stacks(
    facts: CommandFacts, said: Command, nodes: tuple[NodeAt, ...], words: tuple[str, ...]
) -> Targets | Refuse:
    if words and said.verb is not Verb.DEPLOY:
        return Refuse(reason=CommandReason.UNKNOWN_NAME, about=words[:1])
    unknown = _unknown_stack(facts, words)
    return unknown or Targets(nodes=nodes, named=True, stacks=tuple(StackName(word) for word in dict.fromkeys(words)))


def _unknown_stack(facts: CommandFacts, words: tuple[str, ...]) -> Refuse | None:
    known = facts.plan.stacks if facts.plan else None  # without a plan it is made first, and the command said again
    wrong = tuple(word for word in words if known is not None and word not in known)
    return Refuse(reason=CommandReason.UNKNOWN_NAME, about=wrong[:1]) if wrong else None


def _read_lock(facts: CommandFacts, said: Command) -> Targets | Refuse:
    found, rest = _leading_nodes(facts, tuple(said.text.split()))
    if not rest:
        return Refuse(reason=CommandReason.LOCK_NEEDS_REASON)
    return Targets(nodes=found or facts.nodes, text=" ".join(rest))
