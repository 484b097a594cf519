"""The platform of services that are built and name none."""

from __future__ import annotations

import pytest

from bot.planner.default_platform import add_default_platform


@pytest.mark.parametrize(
    ("dotenv", "platform"),
    [
        ("", None),
        ("DOCKER_DEFAULT_PLATFORM=\n", None),
        ("export DOCKER_DEFAULT_PLATFORM='linux/arm64' # of the builder\n", "linux/arm64"),
        ("DOCKER_DEFAULT_PLATFORM=linux/${ARCH}\n", "linux/riscv64"),
        ("DOCKER_DEFAULT_PLATFORM=linux/${UNKNOWN}\n", None),
        ("DOCKER_DEFAULT_PLATFORM=linux/${ARCH/a/b}\n", None),
    ],
)
def test_what_is_built_has_the_default_platform(dotenv: str, platform: str | None) -> None:
    built, named = {"build": {"context": "."}}, {"build": {"context": "."}, "platform": "linux/386"}
    model = {"services": {"built": dict(built), "named": dict(named), "pulled": {"image": "a"}}}
    add_default_platform(model, dotenv, {"ARCH": "riscv64"})
    expected = built | ({"platform": platform} if platform else {})
    assert model["services"] == {"built": expected, "named": named, "pulled": {"image": "a"}}
