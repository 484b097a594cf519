"""What the fleet file's values and its reading load."""

from __future__ import annotations

import subprocess
import sys


def load(module: str) -> set[str]:
    """What is in memory after `module` is imported."""
    program = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_values_load_neither_pydantic_nor_yaml() -> None:
    assert not {"pydantic", "pydantic_core", "ruamel.yaml", "email_validator"} & load("bot.fleetfile")


def test_reading_loads_no_extra_of_pydantic_and_nothing_of_ours_that_does_io() -> None:
    loaded = load("bot.fleetfile.parse, bot.fleetfile.edit")
    assert "pydantic" in loaded
    assert not {"email_validator", "pydantic_settings", "dotenv"} & loaded
    ours = {name for name in loaded if name.startswith("bot.") and not name.startswith("bot.fleetfile")}
    assert ours == {
        "bot.domain",
        "bot.domain.errors",
        "bot.domain.host_rules",
        "bot.domain.names",
        "bot.domain.notices",
        "bot.domain.platforms",
        "bot.domain.risk_rule",
        "bot.domain.risk_rules",
        "bot.domain.severity",
        "bot.domain.tool_settings",
        "bot.domain.values",
        "bot.domain.verbs",
    }
