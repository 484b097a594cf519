"""GitHub's refusals as errors of ours."""

from __future__ import annotations

from bot.domain.errors import BotError, ExitCode, RetryLater


class GitHubError(BotError):
    """GitHub refused a request. `status` is the HTTP status, `message` GitHub's own, hostile text."""

    def __init__(self, request: str, status: int, message: str) -> None:
        super().__init__(f"GitHub refused {request} ({status}): {message}")
        self.status = status
        self.message = message


class Unavailable(RetryLater):
    """No usable response came, or GitHub could not do it now. Other requests may work all the while."""

    exit_code = ExitCode.UNAVAILABLE
    cure = "check the network and GITHUB_API_URL, or try again later"


class CredentialsRefused(RetryLater):
    """GitHub did not accept what we authenticated with: a token that ended early, or a key of another App."""

    cure = "check the token or key that was given, and this machine's clock"


class BudgetSpent(RetryLater):
    """The hour's requests of an installation are used up, but for those kept for people's commands."""


class NotFound(GitHubError):  # noqa: N818 - absence is often an answer, not an error
    """There is no such thing, or this identity may not see it."""
