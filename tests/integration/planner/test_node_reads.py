"""Everything that runs or is read on a node for a stack is in what its approval covers.

One stack for each way to read or run something; then each file is changed, and nothing else. The table in
docs/security.md has the same lines.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from bench.risks import read_schema_keys
from bot.domain.names import NodeName, StackName
from bot.fleetfile import Hooks, Node
from bot.plan.identity import digest_effect
from bot.plan.model import NodePlan
from bot.planner.snapshot import Snapshot
from bot.redaction.recognise import word_set
from bot.risks.schema import canonical_key
from tests.integration.planner.render_world import RenderWorld

DOCS = Path(__file__).parents[3] / "docs/security.md"
LAB = Node(name=NodeName("LAB"), root="/srv/fleet")
INLINE = "FROM scratch\n"


class Read(NamedTuple):
    """A way to read or run a file: the service's fields, the stack's other files, and the one that changes."""

    what: str
    service: dict[str, Any]
    changes: str = "file"
    top: dict[str, Any] = {}
    files: dict[str, str] = {}
    keys: str = ""  # of the compose schema, canonical


def _build(**fields: Any) -> dict[str, Any]:
    return {"build": {"context": ".", "dockerfile_inline": INLINE, **fields}}


BY_FILES = (
    Read("a compose file", {}, "compose.yaml"),
    Read("`include`", {}, top={"include": ["file"]}, keys="include include.path"),
    Read(
        "env files of an `include`",
        {},
        top={"include": [{"path": "part.yaml", "env_file": "file"}]},
        files={"part.yaml": "services: {part: {image: 'x:1'}}\n"},
        keys="include.env_file",
    ),
    Read(
        "`extends`", {"extends": {"file": "file", "service": "base"}}, keys="container.extends container.extends.file"
    ),
    Read("`.env`", {}, ".env"),
    Read("`env_file`", {"env_file": ["file"]}, keys="container.env_file container.env_file.path"),
    Read("`label_file`", {"label_file": "file"}, keys="container.label_file"),
    Read("a mounted file", {"volumes": ["./file:/x"]}, keys="container.volumes.source container.volumes.type"),
    Read("a file in a mounted folder", {"volumes": ["./folder:/x"]}, "folder/deep/file"),
    Read(
        "a volume that is a folder",
        {"volumes": ["kept:/x"]},
        "folder/file",
        {"volumes": {"kept": {"driver_opts": {"type": "none", "o": "bind", "device": "./folder"}}}},
        keys="volumes.*.driver_opts",
    ),
    Read(
        "files of secrets",
        {"secrets": ["one"]},
        top={"secrets": {"one": {"file": "./file"}}},
        keys="secrets secrets.*.file container.secrets container.secrets.source",
    ),
    Read(
        "files of configs",
        {"configs": ["one"]},
        top={"configs": {"one": {"file": "./file"}}},
        keys="configs configs.*.file container.configs container.configs.source",
    ),
    Read("a profile of seccomp", {"security_opt": ["seccomp:./file"]}, keys="container.security_opt"),
    Read("a program of a provider", {"image": None, "provider": {"type": "./file"}}, keys="container.provider.type"),
    Read("a build context", _build(context="./folder"), "folder/deep/file", keys="container.build.context"),
    Read("a Dockerfile", {"build": {"context": "."}}, "Dockerfile", keys="container.build.dockerfile"),
    Read(
        "a Dockerfile outside its context",
        {"build": {"context": "./folder", "dockerfile": "../other"}},
        "other",
        files={"folder/kept": "1\n"},
    ),
    Read(
        "its own `.dockerignore`",
        {"build": {"context": "./folder", "dockerfile": "../other"}},
        "other.dockerignore",
        files={"folder/kept": "1\n", "other": INLINE},
    ),
    Read("`.dockerignore`", _build(context="./folder"), "folder/.dockerignore"),
    Read(
        "more build contexts",
        _build(context="./folder", additional_contexts={"more": "./more"}),
        "more/file",
        files={"folder/kept": "1\n"},
        keys="container.build.additional_contexts",
    ),
    Read(
        "secrets of a build",
        _build(context="./folder", secrets=["one"]),
        top={"secrets": {"one": {"file": "./file"}}},
        files={"folder/kept": "1\n"},
        keys="container.build.secrets container.build.secrets.source",
    ),
    Read(
        "SSH keys of a build",
        _build(context="./folder", ssh=["id=./file"]),
        files={"folder/kept": "1\n"},
        keys="container.build.ssh",
    ),
    Read(
        "a cache of a build",
        _build(context="./folder", cache_from=["type=local,src=./more"]),
        "more/file",
        files={"folder/kept": "1\n"},
        keys="container.build.cache_from",
    ),
    Read(
        "what a watched service copies",
        {"develop": {"watch": [{"action": "sync", "path": "./folder", "target": "/x"}]}},
        "folder/file",
        keys="container.develop.watch container.develop.watch.path container.develop.watch.include",
    ),
    Read(
        "a credential specification", {"credential_spec": {"file": "./file"}}, keys="container.credential_spec.file"
    ),
    Read(
        "git's attributes of any of these", {"volumes": ["./folder:/x"]}, ".gitattributes", files={"folder/a": "1\n"}
    ),
)
BY_MODEL = {
    "what the compose files say themselves: images, commands, hooks in containers, inline Dockerfiles and configs": (
        "container.command container.entrypoint container.post_start.command container.pre_stop.command "
        "container.build.dockerfile_inline configs.*.content container.develop.watch.exec "
        "container.develop.watch.exec.command"
    ),
    "what lies on the node or elsewhere by its name: devices, drivers, swarm configs": (
        "container.devices container.devices.source container.deploy.resources.reservations.devices "
        "container.blkio_config.device_read_bps.path container.blkio_config.device_read_iops.path "
        "container.blkio_config.device_write_bps.path container.blkio_config.device_write_iops.path "
        "container.blkio_config.weight_device.path container.networks.*.driver_opts networks.*.driver_opts "
        "networks.*.ipam.config secrets.*.driver_opts container.credential_spec.config"
    ),
}
ROWS_OF_NODES = {
    "name": "the order, signed for one node",
    "platform": "the compose files that it chooses",
    "labels": "nothing: they choose the runner; the node refuses an order for another name",
    "root": "the order: where the checkout lies",
    "stacks": "the plan's stacks",
    "files": "the plan's stacks",
    "profiles": "the plan's stacks",
    "variables": "the rendered model",
    "hooks": "the digest of hooks, with the files that they name",
    "keep_edits": "the order: whether edits by hand may stay",
    "bootstrap": "nothing: they run when a person joins the node, never by an order",
    "watch": "the order: how long a stack is watched",
    "who": "nothing: it is read when a command is given",
}
PATH_LEAVES = word_set(
    "file path env_file label_file context dockerfile dockerfile_inline additional_contexts source ssh cache_from "
    "secrets configs content driver_opts security_opt devices include exec command entrypoint watch extends config"
)


def content_of(path: str, number: int) -> str:
    """The file's content: what compose can read, another one for each number."""
    match path:
        case "compose.yaml":
            return f"services: {{web: {{image: 'x:1'}}}}\nx-number: {number}\n"
        case "file":
            return f"# {number}\nservices: {{base: {{image: 'x:1'}}}}\n"
        case "Dockerfile" | "other":
            return f"{INLINE}LABEL a={number}\n"
    return f"# {number}\n"


def files_of(at: int, read: Read, number: int) -> dict[str, str]:
    """The stack of `read`, whose one file has another content for each number."""
    service = {name: value for name, value in {"image": "x:1", **read.service}.items() if value is not None}
    if "extends" in service or "build" in service:
        del service["image"]
    document = json.dumps({"services": {"web": service}, **read.top})
    changed = content_of(read.changes, number)
    if read.what in ("`env_file`", "`label_file`", "env files of an `include`"):
        changed = f"A={number}\n"
    if read.changes == ".gitattributes":
        changed = f"*.txt text eol={('lf', 'crlf')[number]}\n"
    return {
        f"stacks/s{at:02}/{path}": text
        for path, text in {"compose.yaml": document, **read.files, read.changes: changed}.items()
    }


def effects(plan: NodePlan) -> dict[str, str]:
    """The effect digest of each stack alone."""
    return {str(stack.stack): digest_effect(replace(plan, stacks=(stack,))) for stack in plan.stacks}


def test_each_file_that_is_read_or_run_is_in_the_effect_digest(tmp_path: Path) -> None:
    world = RenderWorld(tmp_path)

    def push(number: int) -> Snapshot:
        found = {path: text for at, read in enumerate(BY_FILES) for path, text in files_of(at, read, number).items()}
        return world.push({**found, "stacks/same/compose.yaml": "services: {web: {image: 'x:1'}}\n"})

    first, second = push(0), push(1)
    plans = [world.plan(None, one, LAB) for one in (first, second)]
    errors = {BY_FILES[int(one.stack[1:])].what: one.error for plan in plans for one in plan.stacks if one.error}
    assert errors.keys() == {"SSH keys of a build"}, (
        errors
    )  # this compose writes no JSON of them: its whole folder counts
    before, after = map(effects, plans)
    same = [BY_FILES[int(name[1:])].what for name in before if name != "same" and before[name] == after[name]]
    assert same == [], "a change of these is in no approval"
    assert before["same"] == after["same"]


def test_what_a_fleet_file_says_of_a_node_is_in_the_effect_digest_or_said_not_to_be(tmp_path: Path) -> None:
    assert set(ROWS_OF_NODES) == set(Node.__struct_fields__), "say where the new field stands"
    world = RenderWorld(tmp_path)
    two = "services: {web: {image: 'x:${TAG:-1}'}, more: {image: 'x:1', profiles: [p]}}\n"
    snapshot = world.push(
        {"stacks/a/compose.yaml": two, "stacks/a/other.yaml": two, "stacks/b/compose.yaml": two},
        overlay={"scripts/hook.sh": "true\n"},
    )
    others = (
        replace(LAB, name=NodeName("OTHER")),
        replace(LAB, stacks=(StackName("a"),)),
        replace(LAB, files={StackName("a"): ("other.yaml",)}),
        replace(LAB, profiles=("p",)),
        replace(LAB, variables={"TAG": "2"}),
        replace(LAB, hooks=Hooks(before=(("sh", "scripts/hook.sh"),))),
    )
    digests = {digest_effect(world.plan(None, snapshot, node)) for node in (LAB, *others)}
    assert len(digests) == len(others) + 1


def test_every_key_that_names_a_file_or_a_program_is_in_the_table() -> None:
    keys = {canonical_key(key) for key in read_schema_keys()}
    named = {key for key in keys if key.rpartition(".")[2] in PATH_LEAVES} | {"container.provider.type"}
    listed = " ".join([*(read.keys for read in BY_FILES), *BY_MODEL.values()]).split()
    assert sorted(named - set(listed)) == [], "say where these stand, and try them"
    assert set(listed) <= keys


def test_the_documented_table_is_this_one() -> None:
    lines = [f"| {read.what} | the digest of the stack's files |" for read in BY_FILES]
    lines += [f"| {what} | the rendered model |" for what in BY_MODEL]
    lines += [
        f"| `nodes.NODE{'' if name == 'name' else f'.{name}'}` | {where} |" for name, where in ROWS_OF_NODES.items()
    ]
    assert "\n".join(lines) in DOCS.read_text(), "\n".join(lines)
