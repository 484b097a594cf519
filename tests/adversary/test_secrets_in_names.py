"""A stack puts a short secret of its env file where names stand, which plans have to show.

A success: the plan or the rendering that people see has the value in clear. The same value that nothing put there
stays readable: a database that is called like its password would else be a mark everywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tests.adversary.test_risks import LAB
from tests.integration.planner.render_world import RenderWorld, rendered

SECRET, PIN = "q7-wren", "471193"
PLACES: dict[str, dict[str, Any]] = {
    "an image": {"image": "app:{}"},
    "a host name": {"hostname": "{}"},
    "a container's name": {"container_name": "web-{}"},
    "an alias": {"networks": {"default": {"aliases": ["{}"]}}},
    "a volume's source": {"volumes": ["./{}:/data"]},
    "a mount's target": {"volumes": [{"type": "bind", "source": "./data", "target": "/{}"}]},
    "a working folder": {"working_dir": "/{}"},
    "a profile of its network": {"extra_hosts": ["{}:127.0.0.1"]},
    "a build": {"build": {"context": ".", "target": "{}"}},
}
FORMS = {
    "plain": ("${BACKUP_CODE}", f"BACKUP_CODE={SECRET}\n", SECRET),
    "a PIN": ("${ADMIN_PIN:-x}", f"ADMIN_PIN={PIN}\n", PIN),
    "by another variable": ("${TAG}", f"BACKUP_CODE={SECRET}\nTAG=v${{BACKUP_CODE}}\n", SECRET),
    "as a default": ("${NOBODY:-${BACKUP_CODE}}", f"BACKUP_CODE={SECRET}\n", SECRET),
}


def write(text: str, places: dict[str, dict[str, Any]]) -> str:
    services = {f"s{n}": {"image": "app:1.0", **place} for n, place in enumerate(places.values())}
    return msgspec.json.encode({"services": services}).decode().replace("{}", text)


def test_a_secret_that_a_variable_puts_into_a_name_is_hidden(tmp_path: Path) -> None:
    world = RenderWorld(tmp_path)
    files = {}
    for number, (text, settings, _) in enumerate(FORMS.values()):
        files[f"stacks/f{number}/compose.yaml"] = write(text, PLACES)
        files[f"stacks/f{number}/.env"] = settings
    before = world.push({path: write("x", PLACES) if path.endswith("yaml") else "" for path in files})
    plan = world.plan(before, world.push(files), LAB)
    for (form, (_, _, secret)), stack in zip(FORMS.items(), plan.stacks, strict=True):
        assert stack.error is None, (form, stack.error)
        for place, service in zip(PLACES, stack.services, strict=True):
            assert secret not in msgspec.json.encode(service).decode(), (form, place, service)
        assert secret not in msgspec.json.encode(stack).decode()


def test_what_only_has_the_value_of_a_secret_stays_readable(tmp_path: Path) -> None:
    """It is hidden where the variable is used, and under a secret's own name."""
    service = {"image": "postgres:16", "hostname": "postgres", "environment": {"POSTGRES_PASSWORD": "${DB_PASSWORD}"}}
    world = RenderWorld(tmp_path)
    found = rendered(world.render({"compose.yaml": write("", {"": service}), ".env": "DB_PASSWORD=postgres\n"}))
    app = found.shown["services"]["s0"]
    assert (app["image"], app["hostname"]) == ("postgres:16", "postgres")
    assert app["environment"]["POSTGRES_PASSWORD"].startswith("‹secret ")
