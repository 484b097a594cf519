"""What is written of the output of docker."""

from __future__ import annotations

import pytest

from bot.engine.docker import Docker

ID = "0b1cb3f2a4d59ae8e41fbe1c26f4c5a2c1e8b1b6cf4a4c5d3d1a2b3c4d5e6f70"


@pytest.mark.parametrize(
    "text",
    [
        "Cannot restart container {}: cannot join network of a non running container: {}",
        "Error response from daemon: No such container: {}",
        "container {} is not connected to the network web",
        "error while removing network: network web id {} has active endpoints",
        "driver failed programming external connectivity on endpoint web-app-1 ({}): port is already allocated",
    ],
)
def test_the_ids_of_the_engine_are_no_secrets(text: str) -> None:
    assert Docker({}).redact(text.replace("{}", ID)) == text.replace("{}", ID[:12])


def test_another_value_of_that_length_may_be_a_secret() -> None:
    assert ID[:12] not in Docker({}).redact(f"invalid token {ID}")
    assert ID[:12] not in Docker({"API_TOKEN": ID}).redact(f"no such container: {ID}")
