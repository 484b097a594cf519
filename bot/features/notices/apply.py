"""Send messages by Apprise, which is imported when the first one is sent; keep conditions that no other job ends.

An address may hold a password: it is named by its kind and host alone, and by a digest in the database.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from urllib.parse import urlsplit

import sqlalchemy as sa

from bot.domain.errors import ProgramMissingError
from bot.domain.names import RepoName
from bot.domain.notices import NoticeSeverity, Topic
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.audit.store import append_records
from bot.features.fleets.jobs import Outcome
from bot.features.notices.decide import NoticeResult
from bot.features.notices.jobs import EndWaiting, NoteAccess
from bot.features.notices.text import MessageText
from bot.features.outbox.facts import Condition, Notice, approval_scope
from bot.features.outbox.pulls import WaitingPulls
from bot.features.outbox.store import Outbox, mute_notice
from bot.observability.log import hide_secrets
from bot.observability.metrics import Counter, Gauge
from bot.storage.store import Store

Post = Callable[[MessageText, NoticeSeverity], bool]
"""Sends one message; whether it was taken. Does not raise."""

CONNECT_SECONDS, READ_SECONDS = 5, 10
INSTALL = "pip install 'aios-bot[notify]'"

NOTICES = Counter(
    "aios_bot_notices_total", "Notices, by topic and what became of them.", {"topic": Topic, "result": NoticeResult}
)

CONDITIONS = Gauge(
    "aios_bot_conditions", "Conditions that need somebody and are not over, by topic.", {"topic": Topic}
)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class NoticeAddress:
    """An address: `key` stands for it in the database, `name` is for people."""

    key: str
    name: str
    post: Post


def is_installed() -> bool:
    """Whether messages can be sent."""
    return find_spec("apprise") is not None


def check_installed() -> None:
    """Raise ProgramMissingError, with what to do, where the extra is not installed."""
    if not is_installed():
        raise ProgramMissingError(f"notices are sent by Apprise, which is not installed: {INSTALL}")


def make_targets(addresses: Iterable[str]) -> tuple[NoticeAddress, ...]:
    """A target for each address, in Apprise's notation."""
    return tuple(_make_target(address) for address in dict.fromkeys(addresses))


def _make_target(address: str) -> NoticeAddress:
    key = hashlib.sha256(address.encode()).hexdigest()[:16]
    return NoticeAddress(key, name_address(address), lambda text, severity: _post(address, text, severity))


def name_address(address: str) -> str:
    """An address without what may be secret in it: `mailto` at `example.org`."""
    parts = urlsplit(address)
    # Of most services the host itself is the token; where it has a port or a dot, it is a host.
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme} at {host}" if "." in host or ":" in host or host == "localhost" else parts.scheme


def _post(address: str, text: MessageText, severity: NoticeSeverity) -> bool:
    import apprise  # noqa: PLC0415 - 45 MiB, for those who send notices

    sign = {NoticeSeverity.URGENT: apprise.NotifyType.FAILURE, NoticeSeverity.WARNING: apprise.NotifyType.WARNING}
    try:
        sender = apprise.Apprise()
        if not sender.add(_with_limits(address)):
            _LOG.warning("%s is no address that Apprise knows", name_address(address))
            return False
        taken = sender.notify(
            title=hide_secrets(text.title),
            body=hide_secrets(text.body),
            body_format=apprise.NotifyFormat.TEXT,
            notify_type=sign.get(severity, apprise.NotifyType.INFO),
        )
    except Exception as problem:  # noqa: BLE001 - any of 179 services; a notice stands in nobody's way
        _LOG.warning("%s took no message: %s", name_address(address), hide_secrets(str(problem)))
        return False
    return bool(taken)


def _with_limits(address: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}cto={CONNECT_SECONDS}&rto={READ_SECONDS}"


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
