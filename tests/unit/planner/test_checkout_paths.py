"""The paths that compose writes, as paths of the checkout."""

from __future__ import annotations

import pytest

from bot.planner.checkout_paths import canonical_model


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("seccomp:./p.json", "seccomp:/fleet/server/web/p.json"),
        ("seccomp=../p.json", "seccomp=/fleet/server/p.json"),
        ("seccomp:/tmp/x/fleet/a.json", "seccomp:/fleet/a.json"),
        ("seccomp:/etc/p.json", "seccomp:/etc/p.json"),
        ("seccomp:unconfined", "seccomp:unconfined"),
        ("seccomp=builtin", "seccomp=builtin"),
        ("no-new-privileges", "no-new-privileges"),
        ("apparmor:./p", "apparmor:./p"),
        ("label=user:x", "label=user:x"),
    ],
)
def test_a_seccomp_profile_is_a_file_of_the_stack(written: str, found: str) -> None:
    model = {"services": {"web": {"security_opt": [written]}, "plain": {"image": "x"}}}
    assert canonical_model(model, "/tmp/x/fleet", "server/web") == {
        "services": {"web": {"security_opt": [found]}, "plain": {"image": "x"}}
    }


def test_a_model_without_services() -> None:
    assert canonical_model({"name": "x"}, "/tmp/x", "server") == {"name": "x"}
