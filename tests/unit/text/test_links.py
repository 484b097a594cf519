"""Which addresses may stand in a link: what a reader of Markdown or HTML makes of them ends where they end."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import markdown as md
from tests.markdown_reading import Reading

LINKED = [
    "https://github.com",
    "https://github.com/acme/fleet/actions/runs/30433642",
    "http://127.0.0.1:8080/plans/72d3162ecc78",
    "http://my_host:8080",
    "https://ghe.example.com:8443/acme/fleet/actions/runs/1/job/2#step:3:14",
    "https://bot.example.com/fleets/a?page=2;sort=x,y+z",
    "https://host?q=%C3%A9",
    "https://host#top",
    "https://host/~ada/@v1",
    "https://host/" + "a" * (2_000 - len("https://host/")),
]
NOT_LINKED = [
    "",
    "github.com",
    "//github.com",
    "/plans/1",
    "https://",
    "https:///path",
    "https:/host",
    "HTTPS://host",
    "ftp://host",
    "javascript:alert(1)",
    "javascript://host/%0aalert(1)",
    "data:text/html,x",
    " https://host",
    "https://host ",
    "https://host\n",
    "https://host/\n",
    "https://host/a b",
    "https://host/a\tb",
    "https://host/a\u00a0b",
    "https://host/\u202e",
    "https://host/é",
    "https://hóst",
    "https://user@host",
    "https://user:password@host/",
    "https://github.com\\@evil.ly",
    "https://host:port",
    "https://host:123456",
    "https://host:",
    "https://[::1]:8080/",
    *(f"https://host/{char}" for char in "()<>[]{}|`'\"&\\^!*$\0\x7f"),
    "https://host/" + "a" * (2_001 - len("https://host/")),
]


@pytest.mark.parametrize("address", LINKED)
def test_an_ordinary_address_is_linked(address: str) -> None:
    assert md.is_linkable(address)
    assert md.link("log", address) == f"[log]({address})"
    assert md.html_link("log", address) == f'<a href="{address}">log</a>'


@pytest.mark.parametrize("address", NOT_LINKED)
def test_words_stay_words_where_the_address_is_no_ordinary_one(address: str) -> None:
    assert not md.is_linkable(address)
    assert md.link("log", address) == "log"
    assert md.html_link("log", address) == "log"


def test_further_parts_are_encoded_and_joined_by_slashes() -> None:
    assert md.link("x", "https://host/", "a/b", "c d?e)&:") == "[x](https://host/a/b/c%20d%3Fe%29%26%3A)"


@given(
    st.text(alphabet="https:/.@[]()<>&'\"|`\\ \n\t\u00e9\u202ea1?#%-_", max_size=30).map(
        "https://github.com/".__add__
    )
)
def test_what_is_linked_leads_exactly_there(address: str) -> None:
    if not md.is_linkable(address):
        return
    parts = urlsplit(address)
    assert parts.scheme == "https"
    assert parts.hostname
    assert parts.username is parts.password is None
    assert parts.geturl().rstrip("?#") == address.rstrip("?#")
    reading = Reading(f"| a | b |\n| --- | --- |\n| {md.link('log', address)} | x |")
    assert reading.faults == []
    assert set(reading.rows) == {2}
