"""The requests that the embedded GitHub answered, and who else is to see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class LoggedRequest(NamedTuple):
    """One request that was answered. `kind` is rest, git or page."""

    kind: str
    method: str
    path: str
    route: str  # "/repos/{owner}/{repo}/pulls"
    status: int
    seconds: float
    at: float  # time.monotonic() when the answer was ready
    body: Any  # the answer's JSON; for graphql also the query and its variables
    done: int  # the status of what was carried out, whatever the client got; 0: nothing was
    by: str = ""  # whose credential it had: installation, job, person, app, or "" for none
    sent: Any = None  # the JSON of the request itself


OBSERVERS: list[Callable[[LoggedRequest], None]] = []
"""Called with every request of every embedded GitHub of this process, in the thread that answers."""
