"""A mirror is fetched only when its server has other refs, by real git on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.git.git import GitError
from bot.git.mirrors import Mirror
from tests.gitworld import commit, git, new_repository
from tests.redirects import TOKEN, Place, serving

NAME = "/fleet/stacks.git"
LISTED = [("POST", f"{NAME}/git-upload-pack")]


class World:
    """A repository on a server, and its mirror."""

    def __init__(self, folder: Path, place: Place) -> None:
        self.place = place
        self.source = new_repository(folder / "source")
        self.first = commit(self.source, {"a": "1"})
        place.repositories[NAME] = self.source
        self.mirror = Mirror(folder / "mirror.git", f"{place.url}{NAME}")
        self.mirror.fetch(TOKEN)

    def fetch(self, token: str | None = TOKEN, *, pull: int | None = None) -> list[tuple[str, str]]:
        """Fetch; the requests that came of it."""
        self.place.seen.clear()
        self.mirror.fetch(token, pull=pull)  # type: ignore[arg-type]  # a plain number
        return [(verb, path) for verb, path, _ in self.place.seen]

    def has(self) -> dict[str, str]:
        """The mirror's refs."""
        return dict(self.mirror.list_refs())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with serving() as place:
        yield World(tmp_path, place)


def test_nothing_new_is_one_request(world: World) -> None:
    assert world.fetch() == LISTED
    assert world.has() == {"refs/heads/main": world.first}


def test_tags_and_pull_requests_are_not_asked_for(world: World) -> None:
    git(world.source, "tag", "v1")
    git(world.source, "update-ref", "refs/pull/1/head", world.first)
    assert world.fetch() == LISTED


def test_every_change_of_a_branch_is_fetched(world: World) -> None:
    second = commit(world.source, {"a": "2"})
    assert len(world.fetch()) > 1
    assert world.has() == {"refs/heads/main": second}
    git(world.source, "branch", "old", world.first)
    assert len(world.fetch()) > 1
    assert world.has() == {"refs/heads/main": second, "refs/heads/old": world.first}
    git(world.source, "branch", "--delete", "--force", "old")
    git(world.source, "reset", "--quiet", "--hard", world.first)
    assert len(world.fetch()) > 1
    assert world.has() == {"refs/heads/main": world.first}
    assert world.fetch() == LISTED


def test_the_head_of_a_pull_request_counts_where_it_is_wanted(world: World) -> None:
    git(world.source, "update-ref", "refs/pull/7/head", world.first)
    git(world.source, "update-ref", "refs/pull/70/head", world.first)
    assert len(world.fetch(pull=7)) > 1
    assert world.has() == {"refs/heads/main": world.first, "refs/pull/7/head": world.first}
    assert world.fetch(pull=7) == LISTED
    git(world.source, "update-ref", "refs/pull/7/head", commit(world.source, {"b": "1"}))
    git(world.source, "reset", "--quiet", "--hard", world.first)
    assert world.fetch() == LISTED
    assert len(world.fetch(pull=7)) > 1


def test_a_server_that_refuses_is_heard_through_git(world: World) -> None:
    with pytest.raises(GitError, match=r"Authentication failed|could not read Username"):
        world.fetch("ghs_another")
    with pytest.raises(GitError, match=r"Authentication failed|could not read Username"):
        world.fetch(None)
    del world.place.repositories[NAME]
    with pytest.raises(GitError, match="not found"):
        world.fetch()


def test_a_server_without_the_command_is_fetched_from(world: World) -> None:
    git(world.source, "config", "protocol.version", "0")
    world.place.protocol = ""
    assert [path for _, path in world.fetch()][-1].startswith(f"{NAME}/info/refs")


def test_a_redirect_is_not_followed(world: World) -> None:
    with serving() as other:
        other.repositories[NAME] = world.source
        for code in (301, 302, 307, 308):
            world.place.redirects["POST", NAME] = f"{other.url}{NAME}"
            world.place.code = code
            with pytest.raises(GitError, match=str(code)):  # git follows none either
                world.fetch()
        assert other.seen == []


def test_a_mirror_that_is_damaged_is_not_taken_for_current(world: World) -> None:
    (world.mirror.git_dir / "HEAD").unlink()
    assert len(world.fetch()) > 1
    assert world.has() == {"refs/heads/main": world.first}


@pytest.mark.parametrize("name", ["caf\udce9", "one\u2028two", "one\x85two"], ids=ascii)
def test_a_branch_of_any_name_comes_and_goes(world: World, name: str) -> None:
    git(world.source, "branch", name)
    world.fetch()
    assert world.has() == {"refs/heads/main": world.first, f"refs/heads/{name}": world.first}
    world.fetch()
    git(world.source, "update-ref", "-d", f"refs/heads/{name}")
    world.fetch()
    assert world.has() == {"refs/heads/main": world.first}
    assert world.fetch() == LISTED
