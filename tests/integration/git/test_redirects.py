"""Git that is redirected, by real git: a renamed repository is found, and the token reaches no other server.

`home` is the server that the token is for; `other` is any other, which must never see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.agent.work_tree import CheckoutError, WorkTree
from bot.domain.names import CommitSha
from bot.git.git import GitError
from bot.git.mirrors import Mirror
from bot.git.moves import RedirectError
from bot.git.safe_clone import clone
from bot.git.safe_git import GitAccess
from tests.gitworld import commit, git, new_repository
from tests.redirects import TOKEN, Place, serving

OLD, NEW = "/fleet/old.git", "/fleet/new.git"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = new_repository(tmp_path / "source")
    commit(made, {"a": "1"})
    return made


@pytest.fixture
def home(source: Path) -> Iterator[Place]:
    with serving() as place:
        place.repositories[NEW] = source
        yield place


@pytest.fixture
def other(source: Path) -> Iterator[Place]:
    with serving() as place:
        place.repositories |= {NEW: source, OLD: source}
        yield place


def mirror(home: Place, folder: Path) -> None:
    Mirror(folder / "mirror.git", f"{home.url}{OLD}").fetch(TOKEN)


def cloned(home: Place, folder: Path) -> None:
    clone(f"{home.url}{OLD}", folder / "clone", branch="main", access=GitAccess(home.url, TOKEN))


def fetched(home: Place, folder: Path) -> None:
    """A checkout that was cloned before the redirect."""
    checkout = new_repository(folder / "checkout")
    git(checkout, "remote", "add", "origin", f"{home.url}{OLD}")
    WorkTree(checkout, GitAccess(home.url, TOKEN)).fetch("+refs/heads/main:refs/remotes/origin/main")


WAYS = pytest.mark.parametrize("way", [mirror, cloned, fetched])
Way = Callable[[Place, Path], None]


@pytest.mark.parametrize(("way", "code"), [(mirror, 301), (mirror, 307), (cloned, 302), (fetched, 308)])
def test_a_renamed_repository_is_found(way: Way, code: int, home: Place, tmp_path: Path) -> None:
    home.redirects["GET", OLD] = f"{home.url}{NEW}"
    home.code = code
    way(home, tmp_path)
    assert ("POST", f"{NEW}/git-upload-pack") in [(verb, path) for verb, path, _ in home.seen]


@WAYS
def test_a_repository_renamed_twice_is_found(way: Way, home: Place, tmp_path: Path) -> None:
    home.redirects["GET", OLD] = f"{home.url}/fleet/between.git"
    home.redirects["GET", "/fleet/between.git"] = NEW  # relative to the server
    way(home, tmp_path)
    assert home.seen[-1][1] == f"{NEW}/git-upload-pack"


@pytest.mark.parametrize(("way", "code"), [(mirror, 301), (mirror, 308), (cloned, 307), (fetched, 302)])
def test_a_redirect_to_another_server_ends_there(
    way: Way, code: int, home: Place, other: Place, tmp_path: Path
) -> None:
    home.redirects["GET", OLD] = f"{other.url}{OLD}"
    home.code = code
    with pytest.raises(
        RedirectError, match=r"which is no repository of http://127\.0\.0\.1:.*the token was not sent"
    ):
        way(home, tmp_path)
    assert other.seen == []


@pytest.mark.parametrize(("way", "code"), [(mirror, 301), (mirror, 307), (cloned, 307), (fetched, 308)])
def test_a_redirect_of_the_second_request_ends_there(
    way: Way, code: int, home: Place, other: Place, tmp_path: Path
) -> None:
    home.repositories[OLD] = home.repositories[NEW]
    home.redirects["POST", OLD] = f"{other.url}{OLD}"
    home.code = code
    with pytest.raises(GitError, match=f"HTTP {code}|error: {code}"):
        way(home, tmp_path)
    assert other.seen == []


@pytest.mark.parametrize("disguise", ["{home}@{other}", "{home}.{other}", "{other}#{home}", "{other}/{home}"])
def test_an_address_that_looks_like_this_server_is_another(
    disguise: str, home: Place, other: Place, tmp_path: Path
) -> None:
    hosts = {"home": home.url.removeprefix("http://"), "other": other.url.removeprefix("http://")}
    home.redirects["GET", OLD] = f"http://{disguise.format(**hosts)}{OLD}"
    with pytest.raises(RedirectError):
        mirror(home, tmp_path)
    assert other.tokens == []


def test_a_circle_of_redirects_ends(home: Place, tmp_path: Path) -> None:
    home.redirects |= {("GET", OLD): f"{home.url}/fleet/x.git", ("GET", "/fleet/x.git"): f"{home.url}{OLD}"}
    with pytest.raises(GitError, match="error: 301"):
        mirror(home, tmp_path)
    assert len(home.seen) < 20


@WAYS
def test_a_renamed_repository_that_leaves_at_the_end(way: Way, home: Place, other: Place, tmp_path: Path) -> None:
    """The rename is honest; what it leads to is not."""
    home.redirects |= {("GET", OLD): f"{home.url}/fleet/x.git", ("GET", "/fleet/x.git"): f"{other.url}{NEW}"}
    with pytest.raises(RedirectError):
        way(home, tmp_path)
    assert other.seen == []


def test_a_submodule_that_was_renamed_is_found(home: Place, source: Path, tmp_path: Path) -> None:
    """The node's clone of it names the old address, as `.gitmodules` does."""
    pin = commit(source, {"a": "1"})
    outer = new_repository(tmp_path / "outer")
    text = f'[submodule "s"]\n\tpath = s\n\turl = {home.url}{OLD}\n'
    commit(outer, {".gitmodules": text}, pins={"s": pin})
    git(outer, "remote", "add", "origin", f"{home.url}/fleet/outer.git")
    home.redirects["GET", OLD] = f"{home.url}{NEW}"
    tree = WorkTree(outer, GitAccess(home.url, TOKEN))
    tree.git("submodule", "--quiet", "update", "--init", "--checkout", "--", "s")
    assert WorkTree(outer / "s", GitAccess(home.url, TOKEN)).head == pin


def test_a_submodule_that_is_sent_to_another_server(home: Place, other: Place, source: Path, tmp_path: Path) -> None:
    pin = commit(source, {"a": "1"})
    outer = new_repository(tmp_path / "outer")
    text = f'[submodule "s"]\n\tpath = s\n\turl = {home.url}{OLD}\n'
    commit(outer, {".gitmodules": text}, pins={"s": pin})
    git(outer, "remote", "add", "origin", f"{home.url}/fleet/outer.git")
    home.redirects["GET", OLD] = f"{other.url}{NEW}"
    with pytest.raises(RedirectError):
        WorkTree(outer, GitAccess(home.url, TOKEN)).git("submodule", "--quiet", "update", "--init", "--", "s")
    assert other.seen == []


def test_a_commit_that_another_server_holds_is_an_error_with_its_reason(
    home: Place, other: Place, tmp_path: Path
) -> None:
    """It is not told as a commit that the remote does not have."""
    checkout = new_repository(tmp_path / "checkout")
    commit(checkout, {"a": "1"})
    git(checkout, "remote", "add", "origin", f"{home.url}{OLD}")
    home.redirects["GET", OLD] = f"{other.url}{NEW}"
    with pytest.raises(RedirectError, match="is redirected"):
        WorkTree(checkout, GitAccess(home.url, TOKEN)).fetch_commit(CommitSha("9" * 40))


def test_the_clones_own_settings_cannot_have_the_token_sent_elsewhere(
    home: Place, other: Place, source: Path, tmp_path: Path
) -> None:
    """A container that may write `.git/config` asks for redirects to be followed, or rewrites the address."""
    checkout = new_repository(tmp_path / "checkout")
    git(checkout, "remote", "add", "origin", f"{home.url}{OLD}")
    git(checkout, "config", "http.followRedirects", "true")
    git(checkout, "config", f"http.{home.url}{OLD}.followRedirects", "true")
    home.repositories[OLD] = source
    home.redirects["POST", OLD] = f"{other.url}{OLD}"
    with pytest.raises((GitError, CheckoutError)):
        WorkTree(checkout, GitAccess(home.url, TOKEN)).fetch()
    assert other.tokens == []
    git(checkout, "config", f"url.{other.url}/.insteadOf", f"{home.url}/")
    with pytest.raises((GitError, CheckoutError)):
        WorkTree(checkout, GitAccess(home.url, TOKEN)).fetch()
    assert other.tokens == []
