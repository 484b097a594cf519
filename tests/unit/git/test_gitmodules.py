"""`.gitmodules`: what git would read, and one broken stanza that spoils only itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bot.domain.names import BranchName, RepoName
from bot.git.gitmodules import parse_gitmodules, resolve_upstream, tracked_branch

GOOD = """\
# where the stacks come from
[submodule "server"]
\tpath = server
\turl = ../server.git
\tbranch = main ; followed
[submodule "docs \\"x\\""]
  path = "docs site"
  url = https://github.com/Tecnocrat/docs
  branch = .
"""


def test_what_git_reads_is_what_we_read(tmp_path: Path) -> None:
    file = tmp_path / ".gitmodules"
    file.write_text(GOOD)
    listed = subprocess.run(
        ["git", "config", "-z", "-f", str(file), "--get-regexp", r"\.(path|url|branch)$"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    by_git = sorted(line.split("\n", 1)[1] for line in filter(None, listed.split("\0")))
    stanzas = parse_gitmodules(GOOD).stanzas
    by_us = sorted(value for s in stanzas for value in (s.path, s.url, s.branch) if value)
    assert by_us == by_git
    assert stanzas[1].name == 'docs "x"'


@pytest.mark.parametrize(
    ("stanza", "line", "says"),
    [
        ('[submodule "b"]\n  path = b', 1, "has no url"),
        ('[submodule "b"]\n  url = ../b', 1, "has no path"),
        ('[submodule "b"]', 1, "has no path and url"),
        ("[submodule]\n path = b\n url = ../b", 1, "expected [submodule"),
        ('[submodule "b"\n path = b\n url = ../b', 1, "expected [submodule"),
        ('[core "b"]\n path = b\n url = ../b', 1, "expected [submodule"),
        ('[submodule "b"]\n path = b\n url = "../b', 3, "not `key = value`"),
        ('[submodule "b"]\n path = b\n ??? = ../b', 3, "not `key = value`"),
        ('[submodule "b"]\n path = ../b\n url = ../b', 1, "leaves the repository"),
        ('[submodule "b"]\n path = /b\n url = ../b', 1, "leaves the repository"),
        ('[submodule "b"]\n path = a/../b\n url = ../b', 1, "leaves the repository"),
        ('[submodule "b"]\n path = -b\n url = ../b', 1, "leaves the repository"),
        ('[submodule "b"]\n path = b\n url = --upload-pack=x', 1, "not usable"),
    ],
)
def test_a_broken_stanza_spoils_only_itself(stanza: str, line: int, says: str) -> None:
    before = '[submodule "a"]\n path = a\n url = ../a\n'
    after = '\n[submodule "c"]\n path = c\n url = ../c\n'
    modules = parse_gitmodules(before + stanza + after)
    assert [s.path for s in modules.stanzas] == ["a", "c"]
    (broken,) = modules.broken
    assert says in broken.message
    assert broken.line == 3 + line


def test_a_second_stanza_for_a_path_is_broken() -> None:
    text = '[submodule "a"]\n path = a\n url = ../a\n[submodule "b"]\n path = a\n url = ../b\n'
    modules = parse_gitmodules(text)
    assert [s.name for s in modules.stanzas] == ["a"]
    assert "is taken" in modules.broken[0].message


@pytest.mark.parametrize(
    ("url", "upstream"),
    [
        ("../server.git", "Tecnocrat/server"),
        ("../server", "Tecnocrat/server"),
        ("../../other/server.git", "other/server"),
        ("./server", None),
        ("https://github.com/Tecnocrat/server.git", "Tecnocrat/server"),
        ("https://github.com/Tecnocrat/server/", "Tecnocrat/server"),
        ("git@github.com:Tecnocrat/server.git", "Tecnocrat/server"),
        ("ssh://git@github.com/Tecnocrat/server.git", "Tecnocrat/server"),
        ("git@GitHub.com:Tecnocrat/server.git", "Tecnocrat/server"),
        ("org-123@github.com:Tecnocrat/server.git", "Tecnocrat/server"),
        ("https://GitHub.com:443/Tecnocrat/server.git", "Tecnocrat/server"),
        ("http://github.com:80/Tecnocrat/server.git", "Tecnocrat/server"),
        ("ssh://git@ssh.github.com:443/Tecnocrat/server.git", "Tecnocrat/server"),
        ("ssh://git@ssh.github.com.evil.example/Tecnocrat/server.git", None),
        ("https://github.com:8443/Tecnocrat/server.git", None),
        ("https://github.com:80/Tecnocrat/server.git", None),
        ("https://gitlab.com/Tecnocrat/server.git", None),
        ("https://github.com.evil.example/Tecnocrat/server.git", None),
        ("git@evil:Tecnocrat/server.git", None),
        ("https://github.com/server", None),
        ("../../../../etc", None),
        ("/srv/git/server.git", None),
        ("https://github.com:acme/server.git", None),
        ("https://github.com:99999/acme/server.git", None),
        ("https://[github.com/acme/server.git", None),
        ("ssh://git@[::1/acme/server.git", None),
    ],
)
def test_a_url_means_a_repository_of_our_github_or_none(url: str, upstream: str | None) -> None:
    found = resolve_upstream(url, fleet=RepoName("Tecnocrat/aios-win"), web_url="https://github.com")
    assert found == upstream


def test_an_enterprise_server_keeps_its_port() -> None:
    url = "http://127.0.0.1:8123/Tecnocrat/server.git"
    fleet = RepoName("Tecnocrat/aios-win")
    assert resolve_upstream(url, fleet=fleet, web_url="http://127.0.0.1:8123") == "Tecnocrat/server"
    assert resolve_upstream(url, fleet=fleet, web_url="http://127.0.0.1:9000") is None


def test_a_dot_branch_is_the_fleets_own() -> None:
    server, docs = parse_gitmodules(GOOD).stanzas
    assert tracked_branch(server, own=BranchName("release")) == "main"
    assert tracked_branch(docs, own=BranchName("release")) == "release"
