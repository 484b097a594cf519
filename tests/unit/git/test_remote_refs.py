"""The command that lists refs, and answers to it: whole ones, and others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.git.remote_refs import compose_request, list_remote_refs, read_refs

ONE, TWO = "1" * 40, "2" * 40
BRANCHES = ("refs/heads/",)
ANSWER = f"003d{ONE} refs/heads/main\n003a{TWO} refs/heads/x\n0000".encode()


def test_the_request_names_each_prefix() -> None:
    asked = compose_request(("refs/heads/", "refs/pull/7/head"))
    assert asked == (b"0014command=ls-refs\n0001001bref-prefix refs/heads/\n0020ref-prefix refs/pull/7/head\n0000")


def test_a_whole_answer_is_every_ref() -> None:
    assert read_refs(ANSWER, BRANCHES) == {"refs/heads/main": ONE, "refs/heads/x": TWO}
    assert read_refs(b"0000", BRANCHES) == {}, "a repository without a branch"


def test_what_was_not_wanted_is_left_out() -> None:
    more = f"003c{TWO} refs/tags/v1.0\n".encode() + ANSWER
    assert read_refs(more, ("refs/heads/m",)) == {"refs/heads/main": ONE}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        ANSWER[:-4],
        ANSWER[:-5] + b"0000",
        ANSWER + b"0000",
        ANSWER.replace(b"003d", b"0000", 1),
        ANSWER.replace(b"003d", b"0004", 1),
        ANSWER.replace(b"003d", b"ffff", 1),
        ANSWER.replace(b"003d", b"  3d", 1),
        ANSWER.replace(b"003d", b"-03d", 1),
        ANSWER.replace(b"003d", b"0x3d", 1),
        ANSWER.replace(b"refs/heads/main", b"refs/heads/m\xffin"),
        ANSWER.replace(b"1111", b"unborn", 1),
        b"0027ERR access denied or not exported\n0000",
        b"<!DOCTYPE html><title>Unicorn!</title>",
        b"001e# service=git-upload-pack\n0000",
    ],
)
def test_anything_else_is_left_to_git(content: bytes) -> None:
    assert read_refs(content, BRANCHES) is None


@given(st.binary(max_size=200))
def test_no_answer_raises(content: bytes) -> None:
    read_refs(content, BRANCHES)
    read_refs(ANSWER[:0x3D] + content, BRANCHES)


@pytest.mark.parametrize(
    "url", ["/srv/git/server", "ssh://git@example.org/a/b.git", "http://[", "http://127.0.0.1:1/a"]
)
def test_an_address_where_nothing_answers_is_left_to_git(url: str) -> None:
    assert list_remote_refs(url, None, BRANCHES) is None
