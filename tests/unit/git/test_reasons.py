"""What git says when it fails, and whether the same may work later."""

from __future__ import annotations

import pytest

from bot.git.reasons import is_unavailable

URL = "https://github.com/acme/server.git/"


@pytest.mark.parametrize(
    ("said", "is_over_later"),
    [
        (f"fatal: unable to access '{URL}': The requested URL returned error: 503", True),
        (f"fatal: unable to access '{URL}': The requested URL returned error: 429", True),
        (f"fatal: unable to access '{URL}': Could not resolve host: github.com", True),
        (f"fatal: unable to access '{URL}': Failed to connect to github.com port 443", True),
        (f"fatal: unable to access '{URL}': Empty reply from server", True),
        ("error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502", True),
        ("fatal: the remote end hung up unexpectedly", True),
        ("fatal: expected flush after ref listing", True),
        ("fatal: early EOF", True),
        (f"fatal: unable to access '{URL}': The requested URL returned error: 403", False),
        (f"fatal: repository '{URL}' not found", False),
        ("fatal: couldn't find remote ref refs/pull/7/head", False),
        ("fatal: unable to access 'https://github.com/acme/HTTP500.git/': SSL certificate problem", False),
        ("fatal: loose object 1234 is corrupt", False),
    ],
)
def test_a_server_that_is_away_may_answer_later(said: str, is_over_later: bool) -> None:
    assert is_unavailable(said) is is_over_later
