"""Run the job that ends a person's sessions."""

from __future__ import annotations

from bot.features.fleets.jobs import Outcome
from bot.features.visitors.jobs import EndSessions
from bot.features.visitors.store import SessionStore
from bot.github.client import Client


def end_sessions(sessions: SessionStore, _client: Client, job: EndSessions) -> Outcome:
    """Delete every session of the person."""
    sessions.end_all(job.person)
    return ()
