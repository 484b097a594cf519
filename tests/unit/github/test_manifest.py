"""What the bot asks GitHub for: in one place, each with its reason, and no event that nobody reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.github import manifest
from bot.github.manifest import AccessLevel

PARSERS = [
    (Path(__file__).parents[3] / "bot" / name).read_text() for name in ("github/events.py", "github/people_events.py")
]


def test_every_event_has_a_reader_and_every_reader_its_event() -> None:
    read = {name for parser in PARSERS for name in re.findall(r'case "(\w+)", ', parser)}
    assert set(manifest.events()) == read


def test_every_event_has_its_permission() -> None:
    assert {event.permission for event in manifest.EVENTS} <= set(manifest.permissions())


def test_every_line_has_a_reason_that_reads_as_one() -> None:
    for line in (*manifest.PERMISSIONS, *manifest.EVENTS):
        assert re.fullmatch(r"[a-z].{15,100}[^.]", line.why), line


def test_the_manifest_asks_for_nothing_else() -> None:
    made = manifest.compose_manifest(
        name="aios-bot",
        homepage="https://example.com",
        webhook_url="https://example.com/webhook",
        created_url="https://example.com/setup/created",
        installed_url="https://example.com/setup/installed",
        signed_in_url="https://example.com/sign-in/callback",
    )
    assert made["callback_urls"] == ["https://example.com/sign-in/callback"]
    assert made["default_permissions"] == manifest.permissions()
    assert made["default_events"] == manifest.events()
    assert made["public"] is False
    assert "administration" not in manifest.permissions()
    assert "workflows" not in manifest.permissions()


@pytest.mark.parametrize(
    ("granted", "lacking", "excess"),
    [
        (manifest.permissions(), [], ()),
        (manifest.permissions() | {"contents": "read"}, ["contents"], ()),
        (manifest.permissions() | {"statuses": "write"}, [], ("statuses: write",)),
        (manifest.permissions() | {"administration": "write"}, [], ("administration: write",)),
        ({}, list(manifest.permissions()), ()),
        ({"contents": "owner"}, list(manifest.permissions()), ()),
    ],
)
def test_what_was_granted_is_held_against_what_is_needed(
    granted: dict[str, str], lacking: list[str], excess: tuple[str, ...]
) -> None:
    assert [permission.name for permission in manifest.find_lacking(granted)] == lacking
    assert manifest.find_excess(granted) == excess


def test_levels_hold_the_ones_before_them() -> None:
    assert AccessLevel.WRITE.covers(AccessLevel.READ)
    assert not AccessLevel.READ.covers(AccessLevel.WRITE)
    assert not AccessLevel.NONE.covers(AccessLevel.READ)


def test_where_the_manifest_goes() -> None:
    assert manifest.registration_url("https://github.com", organization="", state="a b") == (
        "https://github.com/settings/apps/new?state=a+b"
    )
    assert "/organizations/acme/settings/apps/new?" in manifest.registration_url(
        "https://ghe.example.com", organization="acme", state="x"
    )
