"""Keep conditions that no other job ends, and mute what they are about."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from bot.domain.names import RepoName
from bot.domain.notices import Topic
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.audit.store import append_records
from bot.features.fleets.jobs import Outcome
from bot.features.notices.jobs import EndWaiting, NoteAccess
from bot.features.outbox.facts import Condition, Notice, approval_scope
from bot.features.outbox.pulls import WaitingPulls
from bot.features.outbox.store import Outbox, mute_notice
from bot.observability.metrics import Gauge
from bot.storage.store import Store

CONDITIONS = Gauge(
    "aios_bot_conditions", "Conditions that need somebody and are not over, by topic.", {"topic": Topic}
)


def mute(store: Store, fleet: RepoName, number: int, *, by: str, seconds: int, now: int) -> bool:
    """Send nothing about open notice `number` of `fleet` for `seconds`, or send again (0); False where it is none.

    What was sent as begun is still sent as over. The audit trail gets a record in the same transaction.
    """
    until = now + seconds

    def write(connection: sa.Connection) -> bool:
        notice = mute_notice(connection, fleet, number, by=by, until=until, now=now)
        if notice is None:
            return False
        record = AuditRecord(
            what=Audited.ASKED,  # which the version before can read, too
            fleet=fleet,
            at=_clock(now),
            actor=by,
            source="page",
            kind="mute" if seconds else "unmute",
            text=f"{notice.topic.words}: {notice.subject}" + (f" (until {_clock(until)})" if seconds else ""),
        )
        append_records(connection, f"mute {uuid.uuid4().hex}", (record,))
        return True

    return store.write(write)


def _clock(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def note_access(outbox: Outbox, now: Callable[[], float], job: NoteAccess) -> Outcome:
    """Keep what the App may not do in the fleet."""
    notice = Notice(topic=Topic.BOT_UNABLE, fleet=job.fleet, text=job.problem, url=job.url)
    found = (Condition(notice=notice, state=job.problem),) if job.problem else ()
    outbox.replace(job.fleet, "access", found, now=int(now()))
    return ()


def end_waiting(outbox: Outbox, waiting: WaitingPulls, now: Callable[[], float], job: EndWaiting) -> Outcome:
    """End what waits in pull requests that are not open any more."""
    if job.closed is not None:
        waiting.remove(job.fleet, job.closed)
        outbox.replace(job.fleet, approval_scope(job.closed), (), now=int(now()))
        return ()
    waiting.keep_only(job.fleet, job.opened)
    opened = {approval_scope(number) for number in job.opened}
    for scope in outbox.find_scopes(job.fleet):
        if scope.startswith("approval ") and scope not in opened:
            outbox.replace(job.fleet, scope, (), now=int(now()))
    return ()
