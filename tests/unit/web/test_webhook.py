"""POST /webhook: who is refused, what is stored, and that nothing hostile ever makes us answer 5xx."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bot.github.webhook import LARGEST_BODY, Rejected, accept, sign
from bot.queue.inbox import Inbox
from bot.queue.tables import DELIVERIES, JOBS
from bot.service.database import open_store
from bot.settings.values import Secret
from bot.storage.store import Store
from tests.queueing import make_app
from tests.unit.payloads import EXAMPLES, payload

SECRET = Secret("It's a Secret to Everybody")
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/bot.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store) -> FlaskClient:
    return make_app(Inbox(store), SECRET).test_client()


def headers(
    body: bytes, name: str = "push", guid: str = GUID, *, but: dict[str, str | None] | None = None
) -> dict[str, str]:
    whole: dict[str, str | None] = {
        "X-GitHub-Event": name,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": sign(body, SECRET),
        "Content-Type": "application/json",
        **{key.replace("_", "-"): value for key, value in (but or {}).items()},
    }
    return {key: value for key, value in whole.items() if value is not None}


def body_of(name: str, changes: dict[str, Any] | None = None) -> bytes:
    return json.dumps(payload(name, changes)).encode()


def stored(store: Store) -> list[tuple[str, str, str, str]]:
    columns = (DELIVERIES.c.guid, DELIVERIES.c.name, DELIVERIES.c.state, DELIVERIES.c.reason)
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(DELIVERIES.c.seq))]


BODY = body_of("push")
WRONG: dict[str, tuple[dict[str, str | None], int, str]] = {
    "no signature": ({"X_Hub_Signature_256": None}, 401, "missing"),
    "an empty signature": ({"X_Hub_Signature_256": ""}, 401, "does not fit"),
    "another secret's": ({"X_Hub_Signature_256": sign(BODY, Secret("other"))}, 401, "does not fit"),
    "another body's": ({"X_Hub_Signature_256": sign(BODY + b" ", SECRET)}, 401, "does not fit"),
    "the old kind": ({"X_Hub_Signature_256": "sha1=" + "a" * 40}, 401, "does not fit"),
    "without its prefix": ({"X_Hub_Signature_256": sign(BODY, SECRET)[7:]}, 401, "does not fit"),
    "upper case": ({"X_Hub_Signature_256": sign(BODY, SECRET).upper()}, 401, "does not fit"),
    "no ASCII": ({"X_Hub_Signature_256": "sha256=" + "é" * 64}, 401, "does not fit"),
    "a form": ({"Content_Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
    "no type": ({"Content_Type": None}, 415, "application/json"),
    "no delivery id": ({"X_GitHub_Delivery": None}, 400, "X-GitHub-Delivery"),
    "a delivery id that is none": ({"X_GitHub_Delivery": "1'; DROP TABLE deliveries"}, 400, "X-GitHub-Delivery"),
    "no event": ({"X_GitHub_Event": None}, 400, "X-GitHub-Event"),
    "an event that is none": ({"X_GitHub_Event": "../push"}, 400, "X-GitHub-Event"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused_leaves_no_trace(client: FlaskClient, store: Store, case: str) -> None:
    changes, status, says = WRONG[case]
    judged = accept(headers(BODY, but=changes), BODY, SECRET)
    assert isinstance(judged, Rejected)
    assert (judged.status, says in judged.message) == (status, True), judged
    sendable = {name: text.encode().decode("latin-1") for name, text in headers(BODY, but=changes).items()}
    answer = client.post("/webhook", data=BODY, headers=sendable)
    assert answer.status_code == status
    assert says in answer.get_json()["message"]
    assert stored(store) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"push"', b"{}x", b"\xff\xfe", b'{"a":"\xff"}', b'{"a":' * 5000, b"[" * 99_999],
)
def test_a_body_that_is_no_json_object_is_refused(client: FlaskClient, store: Store, body: bytes) -> None:
    answer = client.post("/webhook", data=body, headers=headers(body))
    assert answer.status_code == 400
    assert stored(store) == []


def test_a_body_that_is_too_large_is_refused_unread(client: FlaskClient, store: Store) -> None:
    class Endless(RawIOBase):
        taken = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            Endless.taken += len(buffer)
            return len(buffer)

    def post(**more: object) -> str:
        environ = EnvironBuilder("/webhook", method="POST", headers=list(headers(b"").items())).get_environ()
        environ.pop("CONTENT_LENGTH", None)
        _body, status, _headers = run_wsgi_app(client.application, {**environ, "wsgi.input": Endless(), **more})
        return status[:3]

    # With its length said it is not read at all; without, no further than the limit.
    assert post(CONTENT_LENGTH=str(LARGEST_BODY * 2)) == "413"
    assert Endless.taken == 0
    assert post(HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True}) == "413"
    assert 0 < Endless.taken < LARGEST_BODY + 1_000_000
    assert isinstance(accept({}, b"x" * (LARGEST_BODY + 1), SECRET), Rejected)
    assert stored(store) == []


def test_the_largest_body_is_taken(client: FlaskClient, store: Store) -> None:
    start = body_of("push")[:-1] + b', "filler": "'
    body = start + b"x" * (LARGEST_BODY - len(start) - 2) + b'"}'
    assert len(body) == LARGEST_BODY
    assert client.post("/webhook", data=body, headers=headers(body)).status_code == 202
    assert [row[:2] for row in stored(store)] == [(GUID, "push")]


def test_a_delivery_is_stored_once_and_never_with_its_payload(client: FlaskClient, store: Store) -> None:
    body = body_of("push", {"head_commit": {"message": "the password is hunter2"}})
    first = client.post("/webhook", data=body, headers=headers(body))
    again = client.post("/webhook", data=body, headers=headers(body, guid=GUID.upper()))
    assert (first.status_code, first.get_json()["message"]) == (202, "accepted")
    assert (again.status_code, again.get_json()["message"]) == (202, "this delivery is known already")
    assert stored(store) == [(GUID, "push", "received", "")]
    with store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(JOBS)).scalar() == 1
        everything = [connection.execute(sa.select(table)).all() for table in (DELIVERIES, JOBS)]
    assert "hunter2" not in str(everything)


def test_an_unknown_event_is_stored_with_its_reason(client: FlaskClient, store: Store) -> None:
    body = body_of("star", {"action": "created"})
    answer = client.post("/webhook", data=body, headers=headers(body, "star"))
    assert (answer.status_code, answer.get_json()["message"]) == (202, "ignored: unknown_event")
    assert stored(store) == [(GUID, "star", "ignored", "unknown_event: star.created")]


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_event_the_bot_uses_comes_in(client: FlaskClient, store: Store, name: str) -> None:
    body = body_of(name)
    assert client.post("/webhook", data=body, headers=headers(body, name)).status_code == 202
    assert len(stored(store)) == 1


def test_only_post_and_only_here(client: FlaskClient) -> None:
    assert client.get("/webhook").status_code == 405
    assert client.post("/webhooks").status_code == 404


def test_a_database_that_fails_is_our_fault_and_says_no_more(client: FlaskClient, store: Store) -> None:
    store.write(lambda connection: connection.exec_driver_sql("DROP TABLE looks"))
    body = body_of("push")
    answer = client.post("/webhook", data=body, headers=headers(body))
    assert answer.status_code == 500, "GitHub marks it as failed, and it is fetched later"
    assert "looks" not in answer.get_data(as_text=True)
    assert stored(store) == [], "all or nothing"


# -- fuzzing ------------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    body=st.binary(max_size=200) | st.sampled_from([body_of(name) for name in EXAMPLES]),
    extra=st.dictionaries(
        st.sampled_from(
            ["X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256", "Content-Type", "Content-Encoding"]
        ),
        st.text(st.characters(max_codepoint=255, blacklist_categories=["Cc"]), max_size=60),
    ),
    signed=st.booleans(),
)
def test_no_headers_and_body_make_a_5xx(
    client: FlaskClient, body: bytes, extra: dict[str, str], signed: bool
) -> None:
    sent = {**headers(body), **extra}
    if signed:
        sent["X-Hub-Signature-256"] = sign(body, SECRET)
    assert client.post("/webhook", data=body, headers=sent).status_code < 500


def test_thousands_of_mutated_deliveries_make_no_5xx(client: FlaskClient, store: Store) -> None:
    """Signed, so that everything behind the door is reached. A fixed seed: a failure repeats."""
    chance = random.Random(20261124)
    answers: dict[int, int] = {}
    for _ in range(4_000):
        name = chance.choice(sorted(EXAMPLES))
        body = mutate(chance, payload(name))
        sent = headers(body, name, str(uuid.UUID(int=chance.getrandbits(128))))
        status = client.post("/webhook", data=body, headers=sent).status_code
        answers[status] = answers.get(status, 0) + 1
    assert set(answers) == {202, 400}, answers
    assert answers[202] == len(stored(store))
    assert answers[202] > 500
    assert answers[400] > 500


ODD: list[Any] = [
    None, True, 0, -1, 2**31, 2**63, 2**64, 10**30, 1.5, 1e300, "", "\0", "\ud7ff", "\U0001f600", "x" * 10_000,
    [], {}, [[]], {"": None}, "refs/heads/", "refs/heads/\n", "refs/heads/" + "a/" * 500, "0" * 40, "F" * 40, "a/b",
    "../..", "'; DROP TABLE looks; --", "{{7*7}}", "<script>alert(1)</script>", "${jndi:ldap://x}",
]  # fmt: skip


def mutate(chance: random.Random, whole: dict[str, Any]) -> bytes:
    """A delivery with some fields changed, or its bytes damaged."""
    for _ in range(chance.randint(0, 3)):
        place: Any = whole
        while isinstance(place, dict) and place:
            key = chance.choice(sorted(place))
            if not isinstance(place[key], dict) or chance.random() < 0.3:
                if chance.random() < 0.2:
                    del place[key]
                else:
                    place[key] = chance.choice(ODD)
                break
            place = place[key]
    body = bytearray(json.dumps(whole, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass"))
    if chance.random() < 0.4:
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(body) or 1)
            match chance.randrange(4):
                case 0:
                    body[at : at + 1] = bytes([chance.randrange(256)])
                case 1:
                    del body[at : at + chance.randrange(1, 50)]
                case 2:
                    body[at:at] = body[: chance.randrange(50)]
                case 3:
                    body[at:at] = b"[" * chance.choice([1, 50, 3000])
    return bytes(body)
