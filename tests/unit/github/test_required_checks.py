"""Which checks a branch requires, and of which App."""

from __future__ import annotations

import pytest

from bot.domain.names import BranchName, RepoName
from bot.github.endpoints.people import read_required_sources, required_checks
from tests.unit.github.scripted import Scripted, reply

REPO, MAIN = RepoName("acme/fleet"), BranchName("main")


def ruleset(*checks: dict[str, object]) -> dict[str, object]:
    return {"type": "required_status_checks", "parameters": {"required_status_checks": list(checks)}}


def protection(contexts: list[str], checks: list[dict[str, object]], *, enabled: bool = True) -> dict[str, object]:
    required = {"enforcement_level": "everyone", "contexts": contexts, "checks": checks}
    return {"protection": {"enabled": enabled, "required_status_checks": required}}


def read(rules: list[dict[str, object]], branch: dict[str, object]) -> dict[str, frozenset[int]]:
    return read_required_sources(Scripted(reply(rules), reply(branch)).client(), REPO, MAIN)


def test_rulesets_and_protection_are_both_read() -> None:
    rules: list[dict[str, object]] = [
        {"type": "pull_request", "parameters": {"required_approving_review_count": 1}},
        {"type": "deletion"},
        ruleset({"context": "aios/plan", "integration_id": 7}, {"context": "build"}),
    ]
    branch = protection(["aios/plan", "aios/review"], [{"context": "aios/review", "app_id": 9}])
    assert read(rules, branch) == {
        "aios/plan": frozenset({7}),
        "build": frozenset(),
        "aios/review": frozenset({9}),
    }


@pytest.mark.parametrize("nobody", [None, -1])
def test_a_check_of_any_app_has_no_source(nobody: int | None) -> None:
    rules = [ruleset({"context": "aios/plan", "integration_id": nobody})]
    branch = protection(["aios/review"], [{"context": "aios/review", "app_id": nobody}])
    assert read(rules, branch) == {"aios/plan": frozenset(), "aios/review": frozenset()}


def test_protection_that_is_off_requires_nothing() -> None:
    assert read([], protection(["aios/plan"], [], enabled=False)) == {}
    assert read([], {"protection": {"enabled": True}}) == {}
    assert read([], {}) == {}


def test_the_names_alone() -> None:
    sender = Scripted(reply([ruleset({"context": "build"})]), reply(protection(["lint"], [])))
    assert required_checks(sender.client(), REPO, MAIN) == {"build", "lint"}
    assert sender.lines == [
        "GET /repos/acme/fleet/rules/branches/main",
        "GET /repos/acme/fleet/branches/main",
    ]
