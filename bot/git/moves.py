"""Follow a renamed repository to its new name, and nobody's redirect to another server.

After a redirect git sends the header with the token to wherever it was sent, so for the server that the token is for
git follows none (`token_environment`). Here the new address is looked up instead, and must be one of that server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from bot.git.credentials import add_settings, basic_authorization
from bot.git.git import GitError

_Result = TypeVar("_Result")

_MOST = 5  # repositories of one command that were renamed (a fleet and its submodules), or names of one of them
_TIMEOUT = 30  # seconds without an answer
_QUERY = "/info/refs?service=git-upload-pack"
_REDIRECTED = re.compile(r"unable to access '([^'\s]{1,2000})': The requested URL returned error: 30[1278]\b")


class RedirectError(GitError):
    """A server sends git elsewhere, and the token would have gone with it."""


def follow_renames(
    run: Callable[[Mapping[str, str]], _Result], environment: Mapping[str, str], *, token: str | None, server: str
) -> _Result:
    """What `run` returns with `environment`, or with one in which git finds renamed repositories of `server`.

    Raises the GitError of `run`, or RedirectError when `server` sends git to another one.
    """
    moved: dict[str, str] = {}
    for _ in range(_MOST):
        try:
            return run(_with_moved(environment, moved))
        except GitError as problem:
            found = _REDIRECTED.search(str(problem))
            if found is None or not token:
                raise
            left = found[1].rstrip("/")
            if _origin(left) != _origin(server):
                raise
            now = _find_address(left, token)
            # git rewrites an address once: one that was renamed twice goes to its last name at once.
            moved = {old: now if at == left else at for old, at in moved.items()} | {left: now}
    return run(_with_moved(environment, moved))


def _with_moved(environment: Mapping[str, str], moved: Mapping[str, str]) -> dict[str, str]:
    """git puts the new address in place of whatever begins with the old one."""
    made = dict(environment)
    for old, now in moved.items():
        made = add_settings(made, [(f"url.{now}.insteadOf", old)])
    return made


def _find_address(old: str, token: str) -> str:
    """Where the server sends git that asks for the repository at `old`, or RedirectError."""
    import requests  # noqa: PLC0415 - an order without a rename does without it

    session = requests.Session()
    session.auth = lambda request: request  # not the credentials in .netrc
    headers = {"Authorization": basic_authorization(token), "User-Agent": "git/aios-bot"}
    try:
        answer = session.get(old + _QUERY, headers=headers, allow_redirects=False, timeout=_TIMEOUT, stream=True)
    except ValueError:  # requests parses the address, whatever stands there; its own errors are others
        raise RedirectError(f"{old} is redirected to what is no address: nothing was fetched") from None
    except requests.RequestException as problem:
        raise GitError(f"{old} is redirected, and where to could not be read: {type(problem).__name__}") from None
    finally:
        session.close()
    location = urljoin(old + _QUERY, answer.headers.get("Location", ""))
    path = urlsplit(location).path
    if answer.is_redirect and _origin(location) == _origin(old) and path.endswith("/info/refs"):
        return _origin(old) + path.removesuffix("/info/refs")
    raise RedirectError(
        f"{old} is redirected to {location[:200]!r}, which is no repository of {_origin(old)}: nothing was fetched, "
        "and the token was not sent there; if the repository was moved, name its new address (in .gitmodules, or by "
        "`git remote set-url`)"
    )


def _origin(url: str) -> str:
    """ "https://github.com" of an address there; of another form of address, something that equals no origin."""
    parts = urlsplit(url)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}"
