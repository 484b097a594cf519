"""What no git prints is named as such, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.domain.errors import ExitCode
from bot.engine.docker import Docker
from bot.engine.versions import UnfitEngineError, check_versions
from bot.git.answers import BrokenGitError, parse_fields, parse_git_version, parse_lines, parse_number, parse_sha
from bot.git.git import read_git_version

WORDS = (
    b"",
    b"\n",
    b"hello you over there\n",
    b"\xff\xfe \x80 \x81",
    b"[{}]",
    b"git version\n",
    b"git version new one\n",
)


@pytest.mark.parametrize("out", WORDS)
@pytest.mark.parametrize(
    "parse", [parse_git_version, parse_sha, parse_number, parse_fields, lambda out: parse_lines(out, 2)]
)
def test_other_words_are_no_answer_of_git(parse: Callable[[bytes], object], out: bytes) -> None:
    with pytest.raises(BrokenGitError, match="does not answer as git does") as caught:
        parse(out)
    assert caught.value.exit_code is ExitCode.MISSING
    assert len(str(caught.value).splitlines()) == 1


def test_what_git_prints_is_read() -> None:
    assert parse_git_version(b"git version 2.39.5 (Apple Git-154)\n") == "2.39.5"
    assert parse_sha(b"0" * 39 + b"1\n") == "0" * 39 + "1"
    assert parse_number(b"17\n") == 17
    assert parse_fields(b"100644 blob abc") == ("100644", "blob", "abc")
    assert parse_lines(b"a\r\nb c\n", 2) == [b"a\r", b"b c"]
    assert parse_lines(b"", 0) == []


@pytest.mark.parametrize("script", ["", "echo git", "exit 7", "printf '\\377 \\376 \\376'"])
def test_a_program_called_git_that_is_none_has_no_version(tmp_path: Path, script: str) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "git").chmod(0o755)
    with pytest.raises(Exception, match="git") as caught:
        read_git_version({"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert caught.type.__name__ in ("GitError", "BrokenGitError")


def test_a_docker_that_does_not_say_its_version_is_not_called_old(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = Docker({}, secrets=())
    monkeypatch.setattr(Docker, "server_version", lambda _: ("Docker Engine", ""))
    with pytest.raises(UnfitEngineError, match=r"Docker Engine does not say which version it is \(''\)"):
        check_versions(docker)
