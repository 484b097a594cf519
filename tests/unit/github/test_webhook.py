"""Judging a webhook request: GitHub's own vector, every header's exact form, and the limits of the body."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import DeliveryId
from bot.github.webhook import LARGEST_BODY, Accepted, Rejected, accept, sign
from bot.settings.values import Secret
from tests.unit.payloads import payload

SECRET = Secret("It's a Secret to Everybody")
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
BODY = json.dumps(payload("push")).encode()


def headers(signed: bytes = BODY, /, **changes: str) -> dict[str, str]:
    return {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": GUID,
        "X-Hub-Signature-256": sign(signed, SECRET),
        "Content-Type": "application/json",
        **{name.replace("_", "-"): text for name, text in changes.items()},
    }


def test_githubs_own_test_vector() -> None:
    assert sign(b"Hello, World!", SECRET) == (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )


def test_a_signed_delivery_is_accepted_whatever_the_case_of_its_headers() -> None:
    for spell in (str.lower, str.upper, str):
        judged = accept({spell(name): text for name, text in headers().items()}, BODY, SECRET)
        assert judged == Accepted(guid=DeliveryId(GUID), name="push", body=BODY)


def test_a_delivery_id_is_kept_in_lower_case() -> None:
    judged = accept(headers(X_GitHub_Delivery=GUID.upper()), BODY, SECRET)
    assert judged == Accepted(guid=DeliveryId(GUID), name="push", body=BODY)


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", " application/json "])
def test_a_content_type_may_have_parameters_and_any_case(kind: str) -> None:
    assert isinstance(accept(headers(Content_Type=kind), BODY, SECRET), Accepted)


NOT_WHOLE: dict[str, tuple[dict[str, str], int, str]] = {
    "a line end behind the signature": (
        {"X_Hub_Signature_256": sign(BODY, SECRET) + "\n"},
        401,
        "X-Hub-Signature-256 does not fit: is the webhook secret the same on both sides?",
    ),
    "a signature that goes on": (
        {"X_Hub_Signature_256": sign(BODY, SECRET) + "0"},
        401,
        "X-Hub-Signature-256 does not fit: is the webhook secret the same on both sides?",
    ),
    "a line end behind the delivery's id": (
        {"X_GitHub_Delivery": GUID + "\n"},
        400,
        "X-GitHub-Delivery is missing or no UUID",
    ),
    "an id that goes on": ({"X_GitHub_Delivery": GUID + "0"}, 400, "X-GitHub-Delivery is missing or no UUID"),
    "a line end behind the event": ({"X_GitHub_Event": "push\n"}, 400, "X-GitHub-Event is missing or no event name"),
    "an event that goes on": ({"X_GitHub_Event": "push.x"}, 400, "X-GitHub-Event is missing or no event name"),
    "an event in capitals": ({"X_GitHub_Event": "Push"}, 400, "X-GitHub-Event is missing or no event name"),
    "an event that is too long": (
        {"X_GitHub_Event": "e" * 65},
        400,
        "X-GitHub-Event is missing or no event name",
    ),
    "another kind of JSON": (
        {"Content_Type": "application/json5"},
        415,
        "set the webhook's content type to application/json",
    ),
}


@pytest.mark.parametrize("case", NOT_WHOLE)
def test_a_header_is_matched_as_a_whole(case: str) -> None:
    changes, status, message = NOT_WHOLE[case]
    assert accept(headers(**changes), BODY, SECRET) == Rejected(status, message)


def test_the_longest_event_name_is_accepted() -> None:
    assert isinstance(accept(headers(X_GitHub_Event="e" * 64), BODY, SECRET), Accepted)


def test_a_missing_signature_says_what_to_set() -> None:
    unsigned = {name: text for name, text in headers().items() if name != "X-Hub-Signature-256"}
    expected = Rejected(401, "X-Hub-Signature-256 is missing: set a webhook secret in the App's settings")
    assert accept(unsigned, BODY, SECRET) == expected


def test_a_body_over_the_limit_is_refused_before_its_signature_is_looked_at() -> None:
    body = b" " * (LARGEST_BODY + 1)
    assert accept({}, body, SECRET) == Rejected(413, f"the body is larger than {LARGEST_BODY} bytes")
    within = BODY + b" " * (LARGEST_BODY - len(BODY))
    assert isinstance(accept(headers(within), within, SECRET), Accepted)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"a":"\xff"}', b'{"a":' * 5000])
def test_only_a_json_object_is_accepted(body: bytes) -> None:
    assert accept(headers(body), body, SECRET) == Rejected(400, "the body is not a JSON object")


@given(given=st.dictionaries(st.sampled_from([*headers(), "x"]), st.text(max_size=80)), body=st.binary(max_size=80))
def test_nothing_unsigned_is_accepted_and_nothing_raises(given: dict[str, str], body: bytes) -> None:
    """No example can hold the right signature by chance."""
    assert isinstance(accept(given, body, SECRET), Rejected)
