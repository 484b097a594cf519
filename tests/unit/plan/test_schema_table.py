"""The table over the Compose specification: nothing is missing, nothing twice, and what nobody judges is told."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from bench.risks import judge, read_schema_keys
from bot.domain.names import StackName
from bot.domain.risk_rules import RULES
from bot.risks.pairs import StackPair
from bot.risks.schema import canonical_key, check_keys
from bot.risks.schema_table import HARMLESS, LINES, RULED, UNJUDGED

KEYS = read_schema_keys()


def test_the_schema_is_read_to_its_ends() -> None:
    assert len(KEYS) > 700
    assert {"version", "services.*.image", "services.*.pre_start.volumes.bind.propagation"} <= set(KEYS)
    assert {"jobs.*.triggers.schedule.cron", "networks.*.ipam.config.subnet"} <= set(KEYS)


def test_every_key_of_the_schema_has_its_line() -> None:
    missing = [key for key in KEYS if canonical_key(key) not in LINES]
    assert missing == [], "judge these in bot/risks/schema_table.py: they are told as unjudged until then"


def test_every_line_has_its_key_and_no_key_two_lines() -> None:
    assert sorted(set(LINES) - {canonical_key(key) for key in KEYS}) == []
    listed = [key for _, keys in (*HARMLESS, *RULED) for key in keys.split()] + UNJUDGED.split()
    assert [key for key, count in Counter(listed).items() if count > 1] == []


def test_the_rules_of_the_table_exist_and_reasons_are_sentences() -> None:
    assert {rule for rules, _ in RULED for rule in rules.split()} <= set(RULES)
    assert all(len(reason) > 20 for reason, _ in HARMLESS)


def test_a_key_is_one_of_three_things() -> None:
    assert judge(LINES["container.image"]) == "ruled"
    assert judge(LINES["container.hostname"]) == "harmless"
    assert judge(LINES["container.isolation"]) == "unjudged"
    assert judge(None) == "without a line"


@pytest.mark.parametrize(
    ("key", "canonical"),
    [
        ("services.*.image", "container.image"),
        ("jobs.*.image", "container.image"),
        ("services.*.pre_start.image", "container.image"),
        ("services.*.pre_start", "container.pre_start"),
        ("services.*.pre_start.volumes.bind", "container.volumes.bind"),
        ("networks.*.name", "networks.*.name"),
        ("services", "services"),
    ],
)
def test_services_jobs_and_hooks_share_their_keys(key: str, canonical: str) -> None:
    assert canonical_key(key) == canonical


def told(new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    return [found.place for found in check_keys(StackPair(StackName("s"), old, new))]


@pytest.mark.parametrize(
    ("model", "places"),
    [
        ({"services": {"a": {"image": "x:1", "warp": 9}}}, ["services.a.warp"]),
        ({"services": {"a": {"build": {"warp": 9}}}}, ["services.a.build.warp"]),
        (
            {"services": {"a": {"volumes": [{"type": "bind", "bind": {"warp": 9}}]}}},
            ["services.a.volumes.0.bind.warp"],
        ),
        ({"services": {"a": {"pre_start": [{"warp": 9}]}}}, ["services.a.pre_start.0.warp"]),
        ({"services": {"a": {"deploy": {"resources": {"warp": 1}}}}}, ["services.a.deploy.resources.warp"]),
        ({"networks": {"n": {"warp": 9}}}, ["networks.n.warp"]),
        ({"volumes": {"n": {"warp": 9}}}, ["volumes.n.warp"]),
        ({"warp": 9}, ["warp"]),
        ({"models": {"m": {"model": "x"}}}, ["models", "models.m.model"]),
        ({"jobs": {"j": {"image": "x:1"}}}, ["jobs"]),
        ({"services": {"a": {"isolation": "process"}, "b": {"isolation": "process"}}}, ["services.a.isolation"]),
        ({"services": {"x-a": {"labels": {"warp": 9}, "environment": {"warp": 9}}}}, []),
        ({"services": {"a": {"x-note": 1, "warp": None, "ulimits": {"nofile": {"soft": 1}}}}, "x-all": {}}, []),
        ({"services": {"a": {"sysctls": {"net.a": 1}, "networks": {"n": {"aliases": ["x"]}}}}}, []),
        ({"volumes": {"n": {"driver_opts": {"warp": 9}}}}, []),
    ],
)
def test_what_no_rule_judges_is_told_where_it_stands(model: dict[str, Any], places: list[str]) -> None:
    assert told(model) == places
    assert told(model, model) == []


def test_what_stays_is_not_told_again_and_what_changes_is() -> None:
    old = {"services": {"a": {"warp": 9, "ports": [{"target": 1, "warp": 1}]}}}
    assert told({"services": {"a": {"warp": 9, "image": "b", "ports": [{"target": 1, "warp": 1}]}}}, old) == []
    assert told({"services": {"a": {"warp": 8, "ports": [{"target": 1, "warp": 2}]}}}, old) == [
        "services.a.warp",
        "services.a.ports.0.warp",
    ]
