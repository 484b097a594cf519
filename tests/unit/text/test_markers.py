"""Markers are invisible, tell each other apart, and are read back as they were written."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import NodeName, SubmodulePath
from bot.features.commands.text.reply import parse_reply_marker, reply_marker
from bot.features.drift.text import parse_drift_marker, render_settled
from bot.text import markers
from tests.markdown_reading import Reading

ALL = {name: text for name, text in vars(markers).items() if name.isupper()}
NAME = st.text("ABCXYZabcxyz019_-", min_size=1, max_size=20)


def test_none_is_found_in_anothers_place() -> None:
    assert all(text.startswith("<!-- aios-bot:") for text in ALL.values())
    for one, other in permutations(ALL.values(), 2):
        assert not one.startswith(other.removesuffix(" -->"))


def test_none_is_seen_by_a_reader() -> None:
    for text in ALL.values():
        assert Reading(text if text.endswith("-->") else f"{text} x -->").words.strip() == ""


@given(source=st.text(max_size=60), kind=st.text("abcdefghij", min_size=1, max_size=10), before=st.text(max_size=60))
def test_a_replys_marker_is_read_back(source: str, kind: str, before: str) -> None:
    marker = reply_marker(source, kind)
    assert "-->" not in marker.removesuffix("-->")
    found = parse_reply_marker(f"{before.replace('<', '')}\n\n{marker}")
    if source:
        assert found is not None
        assert found[1] == kind
        assert reply_marker(*found) == marker


@given(node=NAME, submodule=NAME)
def test_the_marker_of_a_drift_issue_is_read_back(node: str, submodule: str) -> None:
    issue = render_settled(NodeName(node), SubmodulePath(submodule))
    found = parse_drift_marker(issue)
    assert found is not None
    assert (found.node, found.submodule, found.fingerprint) == (node, submodule, "")
