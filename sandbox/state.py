"""The state of the embedded GitHub: all records, behind one lock."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.app_records import AppRecord, Delivery, Installation, Token
from sandbox.behaviours import Behaviours
from sandbox.records import Pull, Repo, User

if TYPE_CHECKING:
    from sandbox.authorization import AuthorizationCode
    from sandbox.id_tokens import SigningKey


class ApiError(Exception):
    """An error response in GitHub's shape."""

    def __init__(self, status: int, message: str, *, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


class Moved(Exception):  # noqa: N818 - an answer, not an error
    """A repository is found under another name by now: GitHub redirects."""

    def __init__(self, before: str, now: str) -> None:
        super().__init__(f"{before} is {now}")
        self.before, self.now = before, now


class State:
    """All records, behind `lock`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.behaviours = Behaviours()
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.users: dict[str, User] = {}
        self.repos: dict[str, Repo] = {}
        self.moved: dict[str, Repo] = {}  # by their names of before, in lower case
        self.apps: dict[int, AppRecord] = {}
        self.installations: dict[int, Installation] = {}
        self.uninstalled: dict[int, Installation] = {}
        self.tokens: dict[str, Token] = {}
        self.exercised: dict[str, str] = {}  # the highest level used of each permission, by Apps
        self.teams: dict[str, frozenset[str]] = {}  # "org/slug" to logins, in lower case
        self.runner_tokens: dict[str, tuple[str, float]] = {}  # "register OWNER/NAME", and when the token expires
        self.manifest_codes: dict[str, tuple[AppRecord, float]] = {}  # and when each code expires
        self.browsing = "owner"  # who is signed in to GitHub in the browser
        self.authorized: set[tuple[int, int]] = set()  # App and user
        self.authorization_codes: dict[str, AuthorizationCode] = {}
        self.id_token_keys: list[SigningKey] = []  # the one that signs first; made when the first token is issued
        self.deliveries: list[Delivery] = []
        self._actions: AppRecord | None = None
        self._ids = itertools.count(1001)
        self._made_at: dict[int, float] = {}
        self._wrote_at: dict[str, float] = {}  # content, by login
        self._pulls_as_of: dict[int, list[tuple[float, Pull]]] = {}  # oldest first, by id
        # GitHub numbers pull requests and issues per repository.
        self._numbers: dict[str, itertools.count[int]] = {}

    def new_id(self) -> int:
        """A new id; ids only grow."""
        number = next(self._ids)
        self._made_at[number] = self.behaviours.clock()
        return number

    def note_content(self, user: User) -> None:
        """`user` is to comment or to open a pull request now. Raises ApiError when it is too soon after another."""
        pause, now = self.behaviours.content_pause, self.behaviours.clock()
        if pause and now - self._wrote_at.get(user.login, 0.0) < pause:
            error = {"resource": "Issue", "code": "custom", "message": "was submitted too quickly"}
            raise ApiError(422, "Validation Failed", errors=[error])
        self._wrote_at[user.login] = now

    def note_merge(self, pull: Pull) -> None:
        """The pull request was merged now: lists of a commit's pull requests show it later."""
        self._made_at[-pull.id] = self.behaviours.clock()

    def note_pull(self, pull: Pull) -> None:
        """The pull request became what it is now."""
        self._pulls_as_of.setdefault(pull.id, []).append((self.behaviours.clock(), replace(pull)))

    def read_replica(self, pull: Pull) -> Pull:
        """The pull request as GitHub's copies have it: as it was a while ago, where they lag behind."""
        lag = self.behaviours.pull_lag
        if not lag:
            return pull
        past = self._pulls_as_of.get(pull.id, [])
        seen = [one for at, one in past if at <= self.behaviours.clock() - lag] or [one for _, one in past[:1]]
        return seen[-1] if seen else pull

    def is_listed(self, number: int) -> bool:
        """Whether lists show what has this id (for a merge: the pull request's, negated) by now."""
        return self.behaviours.clock() - self._made_at.get(number, 0.0) >= self.behaviours.lag

    def new_number(self, repo: Repo) -> int:
        """The next number of a pull request or issue in `repo`."""
        return next(self._numbers.setdefault(repo.full_name, itertools.count(1)))

    def forget_numbers(self, full_name: str) -> None:
        """The next pull request of this name is its first: it is another repository's."""
        self._numbers.pop(full_name, None)

    def actions_app(self) -> AppRecord:
        """GitHub's own App, which creates the check runs of workflow jobs. It has no installation."""
        if self._actions is None:
            github = self.user("github", "Organization")
            bot = self.user("github-actions[bot]", "Bot")
            self._actions = AppRecord(
                id=15368,
                slug="github-actions",
                owner=github,
                bot=bot,
                permissions={"checks": "write"},
                events=[],
                webhook_url="",
                webhook_secret="",
                client_id="Iv1.05c79e9ad1f6bdfa",
                public_key_pem="",
                private_key_pem="",
            )
        return self._actions

    def user(self, login: str, kind: str = "User") -> User:
        """The account `login`, created if it is new."""
        if login not in self.users:
            self.users[login] = User(self.new_id(), login, kind)
        return self.users[login]

    def repo(self, full_name: str) -> Repo:
        """The repository; as on GitHub, case does not matter. Raises ApiError."""
        for name, repo in self.repos.items():
            if name.lower() == full_name.lower():
                return repo
        if full_name.lower() in self.moved:
            raise Moved(full_name, self.moved[full_name.lower()].full_name)
        raise ApiError(404, "Not Found")
