"""What each field accepts, at its limits and beyond them."""

from __future__ import annotations

import pytest

from bot.domain.risk_rules import Tuning
from bot.domain.verbs import Verb
from bot.fleetfile import (
    Platform,
    ShowUpstream,
    parse_fleet,
)
from bot.fleetfile.problems import YamlFileError


def is_refused(text: str) -> bool:
    try:
        parse_fleet(text)
    except YamlFileError:
        return True
    return False


LIMITS: list[tuple[str, list[str], list[str]]] = [
    ("version: {}", ["1", "1.0", "0x1"], ["0", "2", "true", "'1'"]),
    ("locks: {{hours: {}}}", ["1", "720"], ["0", "721", "-1", "true", "24.0", "'24'"]),
    ("deploy: {{soak: {}}}", ["0s", "99999d", "00001h"], ["100000s", "s", "1w", "1.5h", "-1s", "m1", "1M"]),
    (
        "bases: ['{}']",
        ["a", "x" * 200, "a/b", "a.b"],
        ["", "x" * 201, "/a", "a/", "a.", "a..b", "a//b", "a@{b", "a.lock", "a~b"],
    ),
    ("labels: ['{}']", ["a", "x" * 50, "a b"], ["", "x" * 51, "a,b"]),
    (
        "hub: {}",
        ["o/r", "x" * 100 + "/" + "y" * 100, "o/.r", "o_p/r"],
        ["x" * 101 + "/r", "o/" + "y" * 101, "-o/r", "o/..", "o/.", "o", "o/r/s"],
    ),
    ("deploy: {{workflow: '{}'}}", ["a.yml", "a.yaml", "A-1_b.yml"], ["yml", ".yam", "a/b.yml", "a.yml.", "a.ymll"]),
    ("nodes: {{'{}': }}", ["A", "x" * 63, "0._-"], ["", "x" * 64, "-a", ".a", "a b", "ä"]),
    ("nodes: {{A: {{stacks: ['{}']}}}}", ["a", "x" * 128], ["", "x" * 129, "_a", "a/b"]),
    ("nodes: {{A: {{files: {{'{}': [x]}}}}}}", ["a", "x" * 128], ["x" * 129, "_a"]),
    ("nodes: {{A: {{files: {{a: ['{}']}}}}}}", ["a", "../a", "x" * 200], ["", "/a", "a/", "x" * 201, "a:b"]),
    (
        "nodes: {{A: {{variables: {{'{}': x}}}}}}",
        ["A", "_a9", "COMPOSE", "DOCKERX"],
        ["", "9a", "A-B", "COMPOSE_FILE", "Docker_Host"],
    ),
    (
        "nodes: {{A: {{root: '{}'}}}}",
        ["/", "~/", "c:/", "C:\\x", "/" + "x" * 250],
        ["", "a", "~", "C:", "CC:/", "/" + "x" * 251, "/a|b"],
    ),
    ("nodes: {{A: {{profiles: ['{}']}}}}", ["a", "0-._"], ["", "-a", "a b"]),
    (
        "nodes: {{A: {{bootstrap: ['{}']}}}}",
        ["a.sh", "a/b.ps1", "x" * 200 + ".py"],
        [".sh", "/a.sh", "../a.sh", "a//b.sh", "a.rb", "x" * 201 + ".py"],
    ),
    (
        "nodes: {{A: {{who: ['{}']}}}}",
        ["read", "triage", "write", "maintain", "admin", "team:" + "a" * 100, "person:" + "A" * 39],
        ["", "Read", "owner", "team:", "team:A", "team:" + "a" * 101, "person:" + "A" * 40, "person:-a"],
    ),
    ("nodes: {{A: {{hooks: {{before: [['{}']]}}}}}}", ["a", "x" * 500, "$(id)"], ["", "x" * 501]),
    (
        "submodules: {{'{}': }}",
        ["a", "a/b", ".a", "x" * 200, "a..b"],
        ["", "/a", "a/", "./a", "a/.", "../a", "a//b", "x" * 201, "a:b", "a\\b"],
    ),
    ("submodules: {{a: {{stacks: '{}'}}}}", ["*", "a/**", "x" * 200], ["", "/a", "a/..", "x" * 201]),
    ("commands: {{prefix: '{}'}}", ["/", "/a", "/a-9", "/" + "a" * 21], ["", "a", "/A", "/9", "/" + "a" * 22]),
    ("commands: {{who: {{'{}': [admin]}}}}", list(Verb), ["Deploy", "deploys", ""]),
    ("review: {{required: ['{}']}}", ["a", "*", "x" * 200], ["", "/a", "x" * 201, "a\\b"]),
    ("risks: {{secret.changed: {}}}", list(Tuning), ["Off", "high", "false"]),
    ("submodules: {{a: {{show_upstream: {}}}}}", list(ShowUpstream), ["Auto", "true"]),
    ("nodes: {{A: {{platform: {}}}}}", list(Platform), ["mac", "Linux"]),
]


@pytest.mark.parametrize(("text", "good", "wrong"), LIMITS, ids=[text for text, *_ in LIMITS])
def test_the_limits_of_a_field(text: str, good: list[str], wrong: list[str]) -> None:
    for value in good:
        parse_fleet(text.format(value))
    for value in wrong:
        assert is_refused(text.format(value)), value


@pytest.mark.parametrize(
    "text", ["bases: [{}]", "hub: {}", "nodes: {{{}: }}", "nodes: {{A: {{files: {{{}: [a]}}}}}}"]
)
def test_a_line_end_at_the_end_of_a_name_is_no_part_of_it(text: str) -> None:
    parse_fleet(text.format('"o/r"' if "hub" in text else '"main"'))
    with pytest.raises(YamlFileError, match="must be"):
        parse_fleet(text.format('"o/r\\n"' if "hub" in text else '"main\\n"'))


@pytest.mark.parametrize(("text", "seconds"), [("7s", 7), ("7m", 420), ("7h", 25_200), ("7d", 604_800), ("0d", 0)])
def test_a_time_is_in_seconds(text: str, seconds: int) -> None:
    assert parse_fleet(f"drift: {{every: {text}}}").drift.every == seconds
