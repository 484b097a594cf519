"""From a file to its value and back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.names import BranchName, NodeName, RepoName, StackName, SubmodulePath
from bot.domain.notices import NoticeSeverity
from bot.domain.risk_rules import RULES, Tuning
from bot.domain.verbs import Verb
from bot.fleetfile import (
    Commands,
    Deploy,
    DriftRules,
    Fleet,
    Hooks,
    Locks,
    Node,
    NoticeRules,
    Platform,
    ReviewRules,
    ShowUpstream,
    Submodule,
    parse_fleet,
)
from bot.fleetfile.models import KEY_ATTRIBUTES
from bot.fleetfile.problems import Problem, YamlFileError

AGENT = "1.2.3@sha256:" + "0f" * 32
FULL = r"""
version: 1
bases: [main, stable]
labels: [a, b]
hub: o/hub
deploy: {workflow: d.yaml, waves: [[A], [B]], soak: 30s, offline_after: 2h, stop_on_drift: true,
  agent: AGENT, agent_from: 'https://m.example/x'}
drift: {every: 2d}
submodules:
  x/server: {branch: dev, stacks: s/*, order: [two, one], wait_for_checks: true, show_upstream: never}
nodes:
  A:
    platform: android
    labels: [self-hosted, x]
    root: ~/aios
    stacks: [one]
    files: {one: [a.yml, ../b.yml]}
    profiles: [gpu]
    variables: {X: 1.5, Y: 7, Z: text, COMPOSER: x}
    hooks:
      before: [[sh, a.sh]]
      after: [["true"], [sh, b]]
      before_stack: {one: [[x]]}
      after_stack: {one: [[y, z]]}
    keep_edits: true
    bootstrap: [s/a.sh, s/b.ps1, c.py]
    who: [admin, "team:ops", "person:ada"]
  B:
commands: {prefix: /aios, who: {deploy: [maintain]}, break_glass: [admin]}
locks: {hours: 2}
review: {required: [a/**], optional: [b], auto_merge: true}
notify: {severities: [info, urgent], quiet: "22:00-07:30", approval_after: 2d}
risks: {secret.changed: off, image.unpinned: info}
""".replace("AGENT", AGENT)


def test_everything_that_can_be_said() -> None:
    fleet = parse_fleet(FULL)
    assert fleet == Fleet(
        version=1,
        bases=(BranchName("main"), BranchName("stable")),
        labels=("a", "b"),
        hub=RepoName("o/hub"),
        deploy=Deploy(
            workflow="d.yaml",
            waves=((NodeName("A"),), (NodeName("B"),)),
            soak=30,
            offline_after=7200,
            stop_on_drift=True,
            agent=AGENT,
            agent_from="https://m.example/x",
        ),
        drift=DriftRules(every=172_800),
        submodules=(
            Submodule(
                path=SubmodulePath("x/server"),
                branch=BranchName("dev"),
                stacks="s/*",
                order=(StackName("two"), StackName("one")),
                wait_for_checks=True,
                show_upstream=ShowUpstream.NEVER,
            ),
        ),
        nodes=(
            Node(
                name=NodeName("A"),
                platform=Platform.ANDROID,
                labels=("self-hosted", "x"),
                root="~/aios",
                stacks=(StackName("one"),),
                files={StackName("one"): ("a.yml", "../b.yml")},
                profiles=("gpu",),
                variables={"X": "1.5", "Y": "7", "Z": "text", "COMPOSER": "x"},
                hooks=Hooks(
                    before=(("sh", "a.sh"),),
                    after=(("true",), ("sh", "b")),
                    before_stack={StackName("one"): (("x",),)},
                    after_stack={StackName("one"): (("y", "z"),)},
                ),
                keep_edits=True,
                bootstrap=("s/a.sh", "s/b.ps1", "c.py"),
                who=("admin", "team:ops", "person:ada"),
            ),
            Node(name=NodeName("B")),
        ),
        commands=Commands(prefix="/aios", who={"deploy": ("maintain",)}, break_glass=("admin",)),
        locks=Locks(hours=2),
        review=ReviewRules(required=("a/**",), optional=("b",), auto_merge=True),
        notify=NoticeRules(
            severities=(NoticeSeverity.INFO, NoticeSeverity.URGENT), quiet="22:00-07:30", approval_after=172_800
        ),
        risks={"secret.changed": Tuning.OFF, "image.unpinned": Tuning.INFO},
    )
    assert fleet.nodes[0].runner_labels == ("self-hosted", "x")
    assert fleet.nodes[1].runner_labels == ("self-hosted", "B")
    assert fleet.commands.who_may("deploy") == ("maintain",)
    assert fleet.commands.who_may("plan") == ("write",)


def test_nothing_after_a_colon_is_an_empty_list_or_mapping_or_section() -> None:
    text = "bases:\nlabels:\ndeploy:\ndrift:\nsubmodules:\nnodes:\ncommands: {who: , break_glass: }\nlocks:\nrisks:\n"
    assert parse_fleet(text) == Fleet(labels=())
    (node,) = parse_fleet("nodes: {A: {labels: , stacks: , files: , variables: , hooks: , who: }}").nodes
    assert node == Node(name=NodeName("A"))
    assert parse_fleet("nodes: {A: {hooks: {before_stack: }}}\nsubmodules: {s: }").submodules == (
        Submodule(path=SubmodulePath("s")),
    )


def render(fleet: Fleet) -> str:
    """A fleet as a file: JSON, which YAML is a superset of."""
    document: dict[str, Any] = msgspec.to_builtins(fleet)
    for name, key in KEY_ATTRIBUTES.items():
        document[name] = {entry.pop(key): entry for entry in document[name]}
    for section, times in (
        ("deploy", ("soak", "offline_after")),
        ("drift", ("every",)),
        ("notify", ("approval_after",)),
    ):
        for time in times:
            document[section][time] = f"{document[section][time]}s"
    return json.dumps(_without_empty(document), indent=1)


def _without_empty(document: Any) -> Any:
    """What may not be written as empty is left out."""
    if not isinstance(document, dict):
        return document
    made = {key: _without_empty(value) for key, value in document.items()}
    return {key: value for key, value in made.items() if value not in (None, "", [], ()) or key == "labels"}


_names = st.text("abcXYZ019", min_size=1, max_size=6)
_words = st.text("ab $(){}\"'#:-é/\\", min_size=1, max_size=8)
_command = st.lists(_words, min_size=1, max_size=3).map(tuple)
_commands = st.sampled_from(range(3)).flatmap(lambda size: st.tuples(*[_command] * size))
_per_stack = st.dictionaries(_names, _command.map(lambda command: (command,)), max_size=2)
_texts = st.lists(_names, unique=True, max_size=3).map(tuple)
_who = st.sampled_from([(), ("read",), ("admin", "team:x"), ("person:Ada", "write")])
_times = st.integers(0, 99_999)
_nodes = st.builds(
    Node,
    name=_names,
    platform=st.sampled_from(Platform),
    labels=_texts,
    root=st.sampled_from(["", "/srv/a b", "C:\\x", "~/x"]),
    profiles=_texts,
    variables=st.dictionaries(_names.map("V{}".format), _words, max_size=2),
    files=st.dictionaries(_names, _names.map(lambda name: (name,)), max_size=2),
    hooks=st.builds(Hooks, before=_commands, after=_commands, before_stack=_per_stack, after_stack=_per_stack),
    keep_edits=st.booleans(),
    bootstrap=_texts.map(lambda texts: tuple(f"s/{text}.sh" for text in texts)),
    who=_who,
)
_submodules = st.builds(
    Submodule,
    path=_names.map("x/{}".format),
    branch=st.none() | _names,
    stacks=_names,
    order=_texts,
    wait_for_checks=st.booleans(),
    show_upstream=st.sampled_from(ShowUpstream),
)
_fleets = st.builds(
    Fleet,
    bases=_texts,
    labels=_texts,
    hub=st.none() | _names.map("o/{}".format),
    deploy=st.builds(Deploy, soak=_times, offline_after=_times, stop_on_drift=st.booleans()),
    drift=st.builds(DriftRules, every=_times),
    submodules=st.lists(_submodules, max_size=2, unique_by=lambda one: one.path).map(tuple),
    nodes=st.lists(_nodes, max_size=3, unique_by=lambda node: node.name.lower()).map(tuple),
    commands=st.builds(
        Commands,
        who=st.dictionaries(st.sampled_from(list(Verb)).map(str), st.just(("maintain",)), max_size=2),
        break_glass=_who,
    ),
    locks=st.builds(Locks, hours=st.integers(1, 720)),
    review=st.builds(ReviewRules, required=_texts, optional=_texts, auto_merge=st.booleans()),
    notify=st.builds(
        NoticeRules,
        severities=st.lists(st.sampled_from(NoticeSeverity), unique=True, min_size=1).map(tuple),
        quiet=st.sampled_from(["", "22:00-07:00"]),
        approval_after=_times,
    ),
    risks=st.dictionaries(st.sampled_from(list(RULES)), st.sampled_from(Tuning), max_size=2),
)


@given(_fleets)
@settings(max_examples=40, deadline=None)
def test_a_fleet_that_is_written_reads_the_same(fleet: Fleet) -> None:
    assert parse_fleet(render(fleet)) == fleet
    assert msgspec.json.decode(msgspec.json.encode(fleet), type=Fleet) == fleet


_keys = st.sampled_from(
    [
        *Fleet.__struct_fields__,
        *Node.__struct_fields__,
        *Deploy.__struct_fields__,
        *Hooks.__struct_fields__,
        "A",
        "[key]",
        "",
    ]
)
_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab/.:-* \n", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(_keys, _anything, max_size=4))
@settings(max_examples=100, deadline=None)
def test_any_document_is_a_fleet_or_has_problems_with_lines(document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=1)
    problems = problems_of(text)
    assert problems == sorted(set(problems))
    assert all(1 <= problem.line <= text.count("\n") + 1 for problem in problems)


def problems_of(text: str) -> list[Problem]:
    try:
        parse_fleet(text)
    except YamlFileError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(
    "wrong",
    [
        "1.2.3",
        "1.2.3@sha256:" + "0F" * 32,
        "1.2.3@sha256:" + "0f" * 31,
        "v1@sha256:" + "0f" * 32,
        "@sha256:" + "0f" * 32,
    ],
)
def test_an_agent_is_a_version_and_the_hash_of_its_lock(wrong: str) -> None:
    with pytest.raises(YamlFileError, match="it must be a version and the SHA-256 of its lock"):
        parse_fleet(f"version: 1\ndeploy: {{agent: '{wrong}'}}\n")
    with pytest.raises(YamlFileError, match="it must be an address that begins with https"):
        parse_fleet("version: 1\ndeploy: {agent_from: ftp://x}\n")
