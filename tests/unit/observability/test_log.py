"""The log: one line per record, with its context, and never a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from bot.observability.log import configure_logging, forget_secret, hide_secrets, log_context, register_secret

LOG = logging.getLogger("bot.test")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def lines(*, as_json: bool) -> io.StringIO:
    out = io.StringIO()
    configure_logging(stream=out, as_json=as_json)
    return out


def test_json_lines_carry_the_context() -> None:
    out = lines(as_json=True)
    with log_context(delivery="d-1", look=""), log_context(look="acme/aios-win"):
        LOG.info("done in %d ms", 5)
    LOG.warning("after")
    first, second = [json.loads(line) for line in out.getvalue().splitlines()]
    assert first["message"] == "done in 5 ms"
    assert (first["level"], first["logger"]) == ("info", "bot.test")
    assert (first["delivery"], first["look"]) == ("d-1", "acme/aios-win")
    assert "delivery" not in second


def test_short_lines_cannot_be_forged() -> None:
    out = lines(as_json=False)
    with log_context(delivery="d-1"):
        LOG.info("branch %s", "x\n12:00:00 INFO    all is well")
    (line,) = out.getvalue().splitlines()
    assert line.endswith("[delivery=d-1]")


def test_what_is_no_terminal_gets_json() -> None:
    out = io.StringIO()
    configure_logging(stream=out)
    LOG.info("hello")
    assert json.loads(out.getvalue())["message"] == "hello"


SHAPES = [
    "ghs_" + "a1B2" * 9,
    "ghs_" + "a.b_c-" * 80,
    "ghp_" + "a1B2" * 9,
    "gho_" + "a1B2" * 9,
    "github_pat_" + "11A_" * 20,
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjM0NSJ9.c2lnbmF0dXJl-_x",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\nxyz==\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\\nMIIEabc\\n-----END PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\ncut off",
]


@pytest.mark.parametrize("secret", SHAPES)
@pytest.mark.parametrize("as_json", [True, False])
def test_what_looks_like_a_secret_is_hidden(secret: str, as_json: bool) -> None:
    out = lines(as_json=as_json)
    LOG.error("failed with %s", secret, exc_info=ValueError(f"could not use {secret}"))
    for part in (secret[4:], secret[len(secret) // 2 :]):
        assert part not in out.getvalue()
        assert part.replace("\n", "\\n") not in out.getvalue()
    assert "***" in out.getvalue()


def test_registered_secrets_are_hidden_wherever_they_stand() -> None:
    secret = 'pass"word\nin two lines'
    register_secret(secret, "abc")
    for as_json in (True, False):
        out = lines(as_json=as_json)
        with log_context(look=secret):
            LOG.info("%s and %r and %s", secret, secret, json.dumps({"p": secret}))
        assert "two lines" not in out.getvalue()
        assert "abc" in hide_secrets("abc"), "too short to be hidden without shredding the rest"
    forget_secret(secret)
    assert hide_secrets(secret) == secret


def test_names_and_passwords_in_addresses_are_hidden() -> None:
    text = "https://x-access-token:sometoken123@github.com/a/b.git postgresql://bot:hunter2@db/bot"
    assert hide_secrets(text) == "https://x-access-token:***@github.com/a/b.git postgresql://bot:***@db/bot"


def test_ordinary_text_is_left_alone() -> None:
    text = "acme/aios-win a1b2c3d..c3d4e5f https://github.com/acme/aios-win/pull/3 user@example.com"
    assert hide_secrets(text) == text
