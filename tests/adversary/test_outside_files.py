"""A stack has the node's own files read into a container's environment or labels, where a web server shows them.

A success: the plan names no risk for it. Each is written for services and for an `include`, and rendered by the real
compose, which the file outside is kept from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bot.planner.inputs import collect_inputs
from bot.planner.snapshot_files import BlobReader, SnapshotFiles
from bot.planner.stack_files import MAX_FILE
from tests.adversary.test_risks import LAB, SYSTEM, dump, find_rules
from tests.integration.planner.render_world import RenderWorld

SHADOW = "/etc/shadow"
READ_ON_THE_NODE: dict[str, tuple[Any, str]] = {  # what is written, and where the link leads that it names
    "absolute": (SHADOW, ""),
    "in a list": ([SHADOW], ""),
    "long": ([{"path": SHADOW, "required": False, "format": "raw"}], ""),
    "required": ([{"path": SHADOW, "required": True}], ""),
    "upwards": ("../../../../../etc/shadow", ""),
    "spelled around": ("/srv/../etc/./shadow", ""),
    "home": ("~/.ssh/id_ed25519", ""),
    "above the home": ("~/../../etc/shadow", ""),
    "backslashes": ("..\\..\\..\\..\\..\\etc\\shadow", ""),
    "a default": ("${NOBODY_SETS_THIS:-/etc/shadow}", ""),
    "a default in a default": ("${NOBODY:-${SETS_THIS:-/etc/shadow}}", ""),
    "a link": ("./link", SHADOW),
    "a relative link": ("./link", "../../../../../../etc/shadow"),
    "below a link": ("./link/shadow", "/etc"),
    "a link that is not required": ([{"path": "link", "required": False}], SHADOW),
}


def short(written: Any) -> Any:
    """The same without the long form."""
    return (
        [one["path"] if isinstance(one, dict) else one for one in written] if isinstance(written, list) else written
    )


def test_no_file_of_the_node_is_read_into_a_container_in_silence(tmp_path: Path) -> None:
    """Compose on the node opens it as the user who deploys, and the container has its lines."""
    world = RenderWorld(tmp_path)
    files, honest, links = {}, {}, {}
    for number, (written, link) in enumerate(READ_ON_THE_NODE.values()):
        services = {
            "web": {"image": "app:1.0", "env_file": written},
            "labelled": {"image": "app:1.0", "label_file": short(written)},
        }
        include = [{"path": "part.yaml", "env_file": short(written)}]
        files[f"stacks/s{number}/compose.yaml"] = dump(tmp_path / "y", {"include": include, "services": services})
        files[f"stacks/s{number}/part.yaml"] = "services: {part: {image: 'part:1'}}\n"
        honest[f"stacks/s{number}/compose.yaml"] = "services: {web: {image: 'app:1.0'}}\n"
        if link:
            links[f"stacks/s{number}/link"] = link
    before = world.push(honest)
    after = world.push(files, links=links)
    for root in ("", "/srv/fleet"):
        plan, same = (world.plan(old, after, replace(LAB, root=root)) for old in (before, after))
        for number, form in enumerate(READ_ON_THE_NODE):
            found, again = find_rules(plan, f"s{number}"), find_rules(same, f"s{number}")
            assert all(SYSTEM in found[where] for where in ("web", "labelled", "")), (form, root, found)
            assert not any(SYSTEM in rules for rules in again.values())


def test_a_base_s_a_hook_s_and_a_job_s_env_file_are_read_too(tmp_path: Path) -> None:
    """Hooks and jobs: a node's compose may be newer than the one here, which does not know them."""
    world = RenderWorld(tmp_path)
    container = {"image": "app:1.0", "env_file": [{"path": SHADOW, "required": False}]}
    files: dict[str, dict[str, Any]] = {
        "extends/compose.yaml": {"services": {"web": {"extends": {"file": "base.yaml", "service": "web"}}}},
        "extends/base.yaml": {"services": {"web": container}},
        "newer/compose.yaml": {
            "services": {"web": {"image": "app:1.0", "pre_start": [container]}},
            "jobs": {"daily": container},
        },
    }
    snapshot = world.push({f"stacks/{path}": dump(tmp_path / "y", document) for path, document in files.items()})
    assert SYSTEM in find_rules(world.plan(None, snapshot, LAB), "extends")["web"]
    checkout = SnapshotFiles(BlobReader(snapshot, largest=MAX_FILE))
    found = collect_inputs(checkout, folder="server/stacks/newer", files=["compose.yaml"], known={}).outside
    assert [(one.service, one.path) for one in found] == [("web", SHADOW), ("", SHADOW)]


def test_a_place_for_secrets_of_the_node_is_no_risk(tmp_path: Path) -> None:
    world = RenderWorld(tmp_path)
    paths = ["/srv/secrets/web.env", "~/secrets/web.env", "../../../../secrets/web.env", "no.env"]
    document = {"services": {"web": {"image": "app:1.0", "env_file": paths}}}
    snapshot = world.push({"stacks/web/compose.yaml": dump(tmp_path / "y", document)})
    for root in ("", "/srv/fleet"):
        assert SYSTEM not in find_rules(world.plan(None, snapshot, replace(LAB, root=root)), "web")["web"]
