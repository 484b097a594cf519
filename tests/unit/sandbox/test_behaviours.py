"""The servers that the embedded GitHub can behave like."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.github import EmbeddedGitHub


@pytest.mark.parametrize("version", ["3.16", "3.17", "3.18", "3.19"])
def test_an_enterprise_server_is_older_and_has_its_own_name(tmp_path: Path, version: str) -> None:
    hub = EmbeddedGitHub(tmp_path)
    hub.behaviours.clock = clock = lambda: 7.0
    hub.behave_like(f"ghes-{version}")
    found = hub.behaviours
    assert (found.knows_run_details, found.web_flow, found.lag) == (False, "GitHub Enterprise", 0.0)
    assert found.clock is clock


def test_what_one_github_is_like_is_no_others(tmp_path: Path) -> None:
    one, other = EmbeddedGitHub(tmp_path / "one"), EmbeddedGitHub(tmp_path / "other")
    one.behave_like("lagging")
    one.behaviours.lag = 60.0
    other.behave_like("lagging")
    assert (one.behaviours.lag, other.behaviours.lag) == (60.0, 15.0)
    other.behave_like("github.com")
    assert other.behaviours.knows_run_details
