"""Send messages by Apprise, which is imported when the first one is sent, and look whether one arrived.

An address may hold a password: it is named by its kind and host alone, and by a digest in the database.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bot.domain.errors import ProgramMissingError
from bot.domain.notices import NoticeSeverity, Topic
from bot.features.notices.decide import NoticeResult
from bot.features.notices.text import MessageText
from bot.observability.log import hide_secrets
from bot.observability.metrics import Counter

if TYPE_CHECKING:
    import apprise

CONNECT_SECONDS, READ_SECONDS = 5, 10
INSTALL = "pip install 'aios-bot[notify]'"
ID_HEADER = "Idempotency-Key"
_LARGEST_ANSWER = 1_000_000  # bytes of an answer about what a topic holds

NOTICES = Counter(
    "aios_bot_notices_total", "Notices, by topic and what became of them.", {"topic": Topic, "result": NoticeResult}
)

_LOG = logging.getLogger(__name__)


class Posted(Enum):
    """What became of one message."""

    TAKEN = auto()
    REFUSED = auto()  # or never reached
    UNSURE = auto()  # no answer in time: the receiver may have it


class NoticeAddress:
    """An address: `key` stands for it in the database, `name` is for people. Nothing here raises."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.key = hashlib.sha256(address.encode()).hexdigest()[:16]
        self.name = name_address(address)

    def post(self, text: MessageText, severity: NoticeSeverity, message_id: str) -> Posted:
        """Send one message. `message_id` goes with it where the receiver has a place for it."""
        began = time.monotonic()
        try:
            taken = _post(_open(self._address), text, severity, message_id)
        except Exception as problem:  # noqa: BLE001 - any of 179 services; a notice stands in nobody's way
            _LOG.warning("%s took no message: %s", self.name, hide_secrets(str(problem)))
            taken = False
        if taken:
            return Posted.TAKEN
        return Posted.UNSURE if time.monotonic() - began >= READ_SECONDS else Posted.REFUSED

    def takes_ids(self) -> bool:
        """Whether a message's id goes with it, by which the receiver can recognise a repeat."""
        try:
            return all(_has_headers(one) for one in _open(self._address))
        except Exception:  # noqa: BLE001 - any of 179 services; then the words say that it may be a repeat
            return False

    def has(self, text: MessageText, since: int) -> bool | None:
        """Whether the receiver got this message since then; None where one cannot look."""
        try:
            services: tuple[Any, ...] = tuple(_open(self._address))
            from apprise.plugins.ntfy import NotifyNtfy  # noqa: PLC0415 - see _open

            if not all(isinstance(one, NotifyNtfy) for one in services):
                return None
            return all(_ntfy_has(one, topic, _hidden(text), since) for one in services for topic in one.topics)
        except Exception as problem:  # noqa: BLE001 - such as a topic that may be written and not read
            _LOG.warning("what %s has cannot be read: %s", self.name, hide_secrets(str(problem)))
            return None


def is_installed() -> bool:
    """Whether messages can be sent."""
    return find_spec("apprise") is not None


def check_installed() -> None:
    """Raise ProgramMissingError, with what to do, where the extra is not installed."""
    if not is_installed():
        raise ProgramMissingError(f"notices are sent by Apprise, which is not installed: {INSTALL}")


def make_targets(addresses: Iterable[str]) -> tuple[NoticeAddress, ...]:
    """A target for each address, in Apprise's notation."""
    return tuple(NoticeAddress(address) for address in dict.fromkeys(addresses))


def name_address(address: str) -> str:
    """An address without what may be secret in it: `mailto` at `example.org`."""
    parts = urlsplit(address)
    # Of most services the host itself is the token; where it has a port or a dot, it is a host.
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme} at {host}" if "." in host or ":" in host or host == "localhost" else parts.scheme


def _open(address: str) -> apprise.Apprise:
    import apprise  # noqa: PLC0415 - 45 MiB, for those who send notices

    sender = apprise.Apprise()
    if not sender.add(f"{address}{'&' if '?' in address else '?'}cto={CONNECT_SECONDS}&rto={READ_SECONDS}"):
        raise ValueError("it is no address that Apprise knows")
    return sender


def _post(sender: apprise.Apprise, text: MessageText, severity: NoticeSeverity, message_id: str) -> bool:
    from apprise import NotifyFormat, NotifyType  # noqa: PLC0415 - see _open

    sign = {NoticeSeverity.URGENT: NotifyType.FAILURE, NoticeSeverity.WARNING: NotifyType.WARNING}
    services: tuple[Any, ...] = tuple(sender)
    for one in services:
        if _has_headers(one):
            one.headers.setdefault(ID_HEADER, message_id)
    hidden = _hidden(text)
    with _mail_id(message_id):
        taken = sender.notify(
            title=hidden.title,
            body=hidden.body,
            body_format=NotifyFormat.TEXT,
            notify_type=sign.get(severity, NotifyType.INFO),
        )
    return bool(taken)


def _hidden(text: MessageText) -> MessageText:
    return MessageText(hide_secrets(text.title), hide_secrets(text.body))


def _has_headers(service: Any) -> bool:
    return isinstance(getattr(service, "headers", None), dict)


@contextmanager
def _mail_id(message_id: str) -> Iterator[None]:
    """Mails sent in this block have this Message-ID, by which mailboxes know a repeat.

    Apprise makes another one at each try, and has no setting for it. One thread sends.
    """
    from apprise.plugins.email import base  # noqa: PLC0415 - see _open

    module: Any = base
    made = module.make_msgid
    module.make_msgid = lambda domain="aios-bot": f"<{message_id}@{domain}>"
    try:
        yield
    finally:
        module.make_msgid = made


def _ntfy_has(service: Any, topic: str, text: MessageText, since: int) -> bool:
    """Whether ntfy's cache holds such a message. The same words about another thing are older than `since`."""
    import requests  # noqa: PLC0415 - comes with Apprise

    port = f":{service.port}" if isinstance(service.port, int) else ""
    own = f"{'https' if service.secure else 'http'}://{service.host}{port}"
    cloud = service.mode == "cloud"
    by_token = not cloud and service.auth == "token"
    with requests.get(
        f"{service.cloud_notify_url if cloud else own}/{topic}/json",
        params={"poll": "1", "since": str(since), "title": text.title},
        headers={"Authorization": f"Bearer {service.token}"} if by_token else {},
        auth=(service.user, service.password) if service.user and not cloud and not by_token else None,
        verify=service.verify_certificate,
        timeout=service.request_timeout,
        allow_redirects=False,
        stream=True,
    ) as answer:
        if answer.status_code != requests.codes.ok:
            raise ValueError(f"HTTP {answer.status_code}")
        held = answer.raw.read(_LARGEST_ANSWER, decode_content=True)
    if len(held) == _LARGEST_ANSWER:
        raise ValueError("it has too many messages")
    messages = [json.loads(line) for line in held.splitlines()]
    wanted = (text.title.strip(), text.body.strip())
    return any((one.get("title", "").strip(), one.get("message", "").strip()) == wanted for one in messages)
