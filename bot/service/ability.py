"""Whether GitHub lets the bot work, for the notices: refused credentials, and a spent budget of requests."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.errors import BotError, RetryLater
from bot.domain.notices import Topic
from bot.features.outbox.facts import Condition, Notice
from bot.features.outbox.store import Outbox
from bot.github.errors import BudgetSpent, CredentialsRefused, GitHubError

PATIENCE = 300  # seconds that credentials may be refused: a token that ended early is renewed at once
_ACCOUNT_REFUSES = ("IP allow list", "installation has been suspended", "SAML enforcement")
"""What GitHub says (403) where an account lets the App at nothing; no check of ours can say it there."""


class Ability:
    """Writes one condition for each identity that cannot work, once, and ends it with its next job that can."""

    def __init__(self, outbox: Outbox, now: Callable[[], float]) -> None:
        self._outbox, self._now = outbox, now
        self._known: dict[str, str] = {}  # by identity, what was written last; "": that it can work

    def note_success(self, identity: str) -> None:
        """A job that works as `identity` came to its end."""
        if self._known.get(identity) != "":
            self._outbox.replace(None, f"identity {identity}", (), now=int(self._now()))
            self._known[identity] = ""

    def note_wait(self, identity: str, problem: RetryLater) -> None:
        """A job of `identity` has to wait; nothing is written of waits that are part of the work."""
        if isinstance(problem, CredentialsRefused | BudgetSpent):
            patience = PATIENCE if isinstance(problem, CredentialsRefused) else 0
            self._note(identity, problem, state=type(problem).__name__, patience=patience)

    def note_refusal(self, identity: str, problem: GitHubError) -> None:
        """GitHub refused a request of `identity`; nothing is written where it refuses that request alone."""
        words = next((words for words in _ACCOUNT_REFUSES if words in problem.message), None)
        if problem.status == 403 and words is not None:
            self._note(identity, problem, state=words, patience=PATIENCE)

    def _note(self, identity: str, problem: BotError, *, state: str, patience: int) -> None:
        if self._known.get(identity) == state:
            return
        notice = Notice(topic=Topic.BOT_UNABLE, subject=identity, text=str(problem))
        now = int(self._now())
        condition = Condition(notice=notice, state=state, due_at=now + patience)
        self._outbox.replace(None, f"identity {identity}", (condition,), now=now)
        self._known[identity] = state
