"""Addresses and settings that a repository may not choose for a node."""

from __future__ import annotations

import pytest

from bot.domain.names import SubmodulePath
from bot.git.gitmodules import Stanza
from bot.git.safe_git import (
    GitAccess,
    UnsafeAddressError,
    check_address,
    git_environment,
)

pytestmark = pytest.mark.portable


def stanza(url: str) -> Stanza:
    return Stanza("server", SubmodulePath("server"), url, None)


@pytest.mark.parametrize(
    "url",
    [
        "../server.git",
        "./server",
        "https://github.com/tecnocrat/server.git",
        "ssh://git@github.com/tecnocrat/server.git",
        "git@github.com:tecnocrat/server.git",
        "github.com:tecnocrat/server",
    ],
)
def test_addresses_that_a_node_fetches_from(url: str) -> None:
    check_address(stanza(url))


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/x",
        "https::ext::sh",
        "file:///srv/private.git",
        "/srv/private.git",
        "http://github.com/tecnocrat/server.git",  # the token's host, but for everybody to read
        "fd::17",
        "C:/private",
        r"C:\private",
        "host::x",
        "-oProxyCommand=x:y",
        "git://github.com/x/y",
        "https://[github.com/x/y",
        "",
    ],
)
def test_addresses_that_it_does_not(url: str) -> None:
    with pytest.raises(UnsafeAddressError, match="https or ssh"):
        check_address(stanza(url))


@pytest.mark.parametrize(
    ("origin", "protocols"),
    [
        ("https://github.com/a/b.git", "https:ssh"),
        ("http://127.0.0.1:8080/a/b.git", "https:ssh:http"),
        ("git@github.com:a/b.git", "https:ssh"),
        ("file:///srv/a.git", "https:ssh:file"),
        ("/srv/a.git", "https:ssh:file"),
        (r"C:\srv\a.git", "https:ssh:file"),
        ("ext::sh -c x", "https:ssh:file"),
    ],
)
def test_protocols_are_those_of_the_origin_and_the_safe_ones(origin: str, protocols: str) -> None:
    assert git_environment(GitAccess("https://github.com", None), origin=origin)["GIT_ALLOW_PROTOCOL"] == protocols


def test_the_token_goes_to_its_own_server_beside_the_settings() -> None:
    made = git_environment(GitAccess("https://github.com", "ghs_x"), origin="https://github.com/a/b")
    count = int(made["GIT_CONFIG_COUNT"])
    pairs = {made[f"GIT_CONFIG_KEY_{n}"]: made[f"GIT_CONFIG_VALUE_{n}"] for n in range(count)}
    assert pairs["http.https://github.com/.extraHeader"].startswith("Authorization: Basic ")
    assert pairs["http.https://github.com/.followRedirects"] == "false"
    assert pairs["core.fsmonitor"] == "false"
    assert "core.hooksPath" in pairs


def test_what_is_overridden_reaches_git() -> None:
    access = GitAccess("https://github.com", "token")
    plain = git_environment(access, origin="https://github.com/o/f.git")
    more = git_environment(access, origin="https://github.com/o/f.git", overridden=[("filter.x.clean", "")])
    last = int(plain["GIT_CONFIG_COUNT"])
    assert int(more["GIT_CONFIG_COUNT"]) == last + 1
    assert (more[f"GIT_CONFIG_KEY_{last}"], more[f"GIT_CONFIG_VALUE_{last}"]) == ("filter.x.clean", "")
    assert {name: more[name] for name in plain if name != "GIT_CONFIG_COUNT"} == {
        name: value for name, value in plain.items() if name != "GIT_CONFIG_COUNT"
    }
