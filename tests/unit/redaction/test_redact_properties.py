"""Whatever a secret looks like, it does not come through; whatever a public value looks like, it does."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.redaction.redact import Redactor, known_from

REDACTOR = Redactor(b"key of a test")
# Upper case at both ends keeps a secret from being part of the words around it by accident.
SECRETS = st.text(
    string.ascii_letters + string.digits + "!#%&()*+,-./:;<=>?@[]^_{|}~ $äß", min_size=4, max_size=40
).map(lambda text: f"Q{text}Z")
NAMES = st.sampled_from(["DB_PASSWORD", "apiKey", "AUTH_TOKEN", "CLIENT_SECRET", "x-credential"])
SHAPED = st.one_of(
    st.text(string.ascii_letters + string.digits, min_size=36, max_size=36).map(lambda text: f"ghp_{text}"),
    st.text(string.ascii_uppercase + string.digits, min_size=16, max_size=16).map(lambda text: f"AKIA{text}"),
    st.text("0123456789abcdef", min_size=40, max_size=64),
    st.text(string.ascii_letters, min_size=20, max_size=60).map(
        lambda text: f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----"
    ),
)
AROUND = st.text(string.ascii_lowercase + " ", max_size=10)


def everywhere(value: str, name: str = "PLAIN") -> dict[str, Any]:
    """A model with `value` in every free place."""
    return {
        "services": {
            "app": {
                "environment": {name: value},
                "labels": {name: value},
                "command": ["run", value],
                "entrypoint": [value],
                "healthcheck": {"test": ["CMD-SHELL", value]},
                "build": {"args": {name: value}},
                "logging": {"options": {name: value}},
            }
        },
        "configs": {"c": {"content": value}},
        "x-any": [{"deep": value}],
    }


@given(SECRETS, NAMES)
def test_under_a_secret_name(secret: str, name: str) -> None:
    model = {
        "services": {
            "a": {"environment": {name: secret}, "labels": {name: secret}, "build": {"args": {name: secret}}}
        }
    }
    assert secret not in str(REDACTOR.model(model))
    assert secret not in str(REDACTOR.model({"services": {"a": {"command": [f"--{name}={secret}"]}}}))


@given(SECRETS, AROUND, AROUND)
def test_from_an_env_file(secret: str, before: str, after: str) -> None:
    known = known_from([("SOME_PASSWORD", secret)])
    model = everywhere(before + secret + after)
    model["services"]["app"]["user"] = f"x:{secret}"
    hidden = REDACTOR.model(model, known)
    assert secret not in str(hidden)
    assert secret not in REDACTOR.text(f"error near {before}{secret}{after}", known)


@given(SHAPED, AROUND, AROUND)
def test_by_its_shape(secret: str, before: str, after: str) -> None:
    assert secret not in str(REDACTOR.model(everywhere(f"{before} {secret} {after}")))
    assert secret not in REDACTOR.text(f"{before} {secret} {after}")


@given(SECRETS.filter(lambda text: not set(text) & set(" /@")))
def test_in_an_address(secret: str) -> None:
    hidden = REDACTOR.model(everywhere(f"postgres://app:{secret}@db/app"))
    assert secret not in str(hidden)
    assert "postgres://app:‹secret " in hidden["services"]["app"]["environment"]["PLAIN"]


@given(st.text(max_size=300))
def test_hiding_twice_is_hiding_once(text: str) -> None:
    once = REDACTOR.text(text)
    assert REDACTOR.text(once) == once


PUBLIC_VALUES = st.one_of(
    st.integers(0, 99999).map(str),
    st.sampled_from(["debug", "info", "true", "UTC", "Europe/Berlin", "always", "eth0", "/var/lib/data", "*"]),
    st.from_regex(r"v?[0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,3}(-alpine)?", fullmatch=True),
    st.from_regex(r"[a-z]{2,12}(-[a-z]{2,12}){0,3}", fullmatch=True),
    st.from_regex(r"https?://[a-z]{2,10}\.example\.com(:[0-9]{2,4})?/[a-z]{0,8}", fullmatch=True),
)


@given(PUBLIC_VALUES, st.sampled_from(["LOG_LEVEL", "PORT", "BASE_URL", "TZ", "MODE", "KEYCLOAK_URL", "ANYTHING"]))
def test_public_values_survive(value: str, name: str) -> None:
    model = everywhere(value, name)
    model["services"]["app"]["image"] = f"registry.example.com/team/app:{value.strip('/*:')}"
    model["services"]["app"]["ports"] = [{"published": value, "target": 80}]
    assert REDACTOR.model(model) == model
