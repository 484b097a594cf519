"""Attacks on what keeps secrets, pages, folders and checks, by the kinds of docs/security.md.

tests.adversary.test_weakened tries each on the guard and on a build without it. What a success is stands above each.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import Any, cast

from bot.agent import deploy
from bot.agent.node import LocalNode
from bot.agent.state import Identity, NodeState
from bot.domain.errors import BotError, RetryLater
from bot.domain.names import BranchName, CommitSha, NodeName, RepoName
from bot.domain.risk_rules import PORT_PUBLISHED
from bot.domain.verdicts import Permission
from bot.features.visitors import decide as visitors
from bot.features.visitors.facts import Sight, ViewFacts
from bot.fleetfile import Platform
from bot.git import clone_settings, mirrors, safe_git
from bot.git.credentials import token_environment
from bot.git.git import GitError
from bot.github.endpoints import checks
from bot.onboarding.join import node as joining
from bot.onboarding.join import private
from bot.planner import stack_secrets, yaml_nodes
from bot.planner.compose_files import ComposeFile, ComposeGroup, ComposeInputs
from bot.planner.guarded import StoppedError, run_guarded
from bot.planner.source_map import SourceMap
from bot.planner.yaml_dialect import YamlRefusedError
from bot.protocol.invitation import Invitation
from bot.redaction import named, redact
from bot.redaction.known import NOTHING_KNOWN
from bot.redaction.redact import Redactor
from bot.risks import port_ranges
from bot.risks.pairs import Port
from bot.storage import folders
from bot.web import setup
from tests.adversary.attack import Attack, nothing
from tests.gitworld import commit, new_repository
from tests.integration.git.test_redirects import OLD, cloned, mirror
from tests.integration.planner.guarded_work import QUICK
from tests.integration.web.test_setup import Bench, form_of
from tests.redirects import serving
from tests.unit.github.scripted import Scripted, reply
from tests.unit.protocol.test_order import make_order

REDACTOR = Redactor(b"a key of these tests")

# -- C1: a success is a text that takes more than a second of the processor -----------------------------------------


def takes_the_processor(text: str) -> bool:
    try:
        run_guarded(partial(REDACTOR.text, text), QUICK._replace(cpu_seconds=1, memory=512 << 20))
    except StoppedError as stopped:
        return "processor time" in str(stopped)
    return False


def searched(pattern: str) -> Any:
    """What a pattern finds that is tried again at each character."""
    return lambda text, *_, **__: [found.span() for found in re.finditer(pattern, text)]


# -- H1: a success is a run of somebody else that counts as ours ----------------------------------------------------


def takes_for_ours(app: dict[str, object] | None) -> bool:
    run = {"id": 1, "name": "aios/plan", "head_sha": "a" * 40, "external_id": "x", "status": "completed", "app": app}
    client = Scripted(reply({"total_count": 1, "check_runs": [run]})).client(app_id=7)
    return bool(checks.find_own_checks(client, RepoName("acme/fleet"), CommitSha("a" * 40), name="aios/plan"))


OWN = (checks, "find_own_checks")

# -- H5: a success is an address or a cookie by which GitHub's code or the session travels in clear ------------------


def leads_back_in_clear(host: str = "bot.example.com") -> bool:
    """A proxy that ended TLS hands the request on, with the host that it was sent to."""
    bench = Bench("https://bot.example.com")
    session = bench.app_setup.open_session(bench.app_setup.token)
    browser = bench.app.test_client(use_cookies=False)
    answer = browser.get("/setup", headers={"Cookie": f"aios_bot_setup={session}", "Host": host})
    return bool(form_of(answer.text)[1]["redirect_url"] != "https://bot.example.com/setup/created")


def takes_the_session_in_clear() -> bool:
    bench = Bench("https://bot.example.com")
    answer = bench.browser().get(f"/setup?token={bench.app_setup.token}")
    return "Secure" not in answer.headers["Set-Cookie"].split("; ")


page_values, open_session = setup._page_values, setup._open_session

# -- L3: a success is a page that somebody sees who may not ---------------------------------------------------------


def is_seen(permission: Permission, sight: Sight, *, private: bool) -> bool:
    facts = ViewFacts(sight=sight, private=private, permission=permission, for_readers=False)
    return visitors.decide_view(facts).allows


VIEW = ((visitors, "decide_view"), lambda _: visitors.ViewReason.MAY_READ)

# -- M3: a success is a file that is taken up, or an error that nobody expects --------------------------------------


def is_taken_up(text: str) -> bool:
    try:
        yaml_nodes.parse_yaml(text.encode())
    except YamlRefusedError:
        return False
    except RecursionError:
        return True
    return True


# -- M4, M5: a success is the secret in the text -------------------------------------------------------------------


def shows_of_env_file(service: str, field: str, shown: Any) -> bool:
    inputs = ComposeInputs()
    document = yaml_nodes.parse_yaml(f"services: {{web: {service}}}\n".encode())
    inputs.main = ComposeGroup([ComposeFile("c.yaml", "c.yaml", tuple(document), "", [], {})], "")
    inputs.interpolated_from = {".env": "BACKUP_CODE=q7-wren\n"}
    model = {"services": {"web": {field: shown}}}
    secrets = stack_secrets.find_secrets(model, SourceMap(inputs.main), inputs, {})
    return "q7-wren" in str(REDACTOR.model(model, secrets))


def shows(text: str) -> bool:
    return "hunter2" in REDACTOR.text(text) or "ghp_" in REDACTOR.text(text)


# -- M6: a success is a mark by which a guess made elsewhere is compared with a secret ------------------------------


def marks_can_be_compared(*plan: str) -> bool:
    text = REDACTOR.mark("hunter2")
    return REDACTOR.marks_of_plan(text, "acme/fleet", "a1") == REDACTOR.marks_of_plan(text, *plan)


MARKS = ((Redactor, "marks_of_plan"), lambda _self, text, *_plan: text)

# -- M7: a success is git that starts a program of the clone's ------------------------------------------------------


def starts(name: str) -> bool:
    return name not in dict(clone_settings.find_overridden(f"local\0{name}\nsh -c id\0"))


def lets_remote_run(name: str) -> bool:
    return not clone_settings.find_forbidden(f"local\0{name}\nsh -c id\0")


# -- L7: a success is the token at another server -------------------------------------------------------------------


def takes_the_token_along(way: Any) -> bool:
    with tempfile.TemporaryDirectory() as place, serving() as home, serving() as other:
        source = new_repository(Path(place) / "source")
        commit(source, {"a": "1"})
        other.repositories[OLD] = source
        other.asks = False
        home.redirects["GET", OLD] = f"{other.url}{OLD}"
        try:
            way(home, Path(place))
        except GitError:
            return bool(other.tokens)
        return bool(other.tokens)


def follow_redirects(token: str | None, *, server: str) -> dict[str, str]:
    """As git does by itself."""
    found = token_environment(token, server=server)
    return {name: "initial" if value == "false" else value for name, value in found.items()}


# -- M8: a success is something that others may read ----------------------------------------------------------------


def others_may_read(name: str) -> bool:
    before = os.umask(0o022)
    try:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "data"
            folders.make_private_folder(folder)
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
            return any(one.stat().st_mode & 0o077 for one in (folder, path.parent, path))
    finally:
        os.umask(before)


# -- M10: a success is an entry in the folder's list by which another user may write --------------------------------

STATE = PureWindowsPath(r"C:\ProgramData\aios-bot-node")


def others_may_write(*own: str, inherited: tuple[str, ...]) -> bool:
    """What icacls makes of a folder with entries of its `own` and `inherited` ones, by its documentation."""
    entries = {"own": set(own), "inherited": set(inherited)}
    for _, _, *options in private.acl_commands(STATE, r"HOME\Ada"):
        if options[0] == "/reset":
            entries["own"].clear()
        if "/inheritance:r" in options:
            entries["inherited"].clear()
        if "/grant:r" in options:
            entries["own"] |= {one.partition(":(OI)")[0] for one in options[options.index("/grant:r") + 1 :]}
    return not entries["own"] | entries["inherited"] <= {r"HOME\Ada", "*S-1-5-32-544", "*S-1-5-18"}


ACL = (private, "acl_commands")
commands = private.acl_commands

# -- M11: a success is a finding for each port ----------------------------------------------------------------------


def tells_each_port(least: int, most: int) -> bool:
    ports = (Port(address="", published=number, target=str(number), protocol="tcp") for number in range(least, most))
    changes = (port_ranges.PortChange(port, "services.web.ports.0", PORT_PUBLISHED, "is", "open") for port in ports)
    return len(list(itertools.islice(port_ranges.as_ranges(changes), 9))) > 1


# -- L4: a success is the token in the arguments of a program -------------------------------------------------------

CONFIG = '#!/bin/sh\necho "$@" > "$(dirname "$0")/arguments"\n'


def token_in_arguments(step: str) -> bool:
    with tempfile.TemporaryDirectory() as place:
        runner = Path(place) / "state/runner"
        runner.mkdir(parents=True)
        (runner / ".runner").write_text("{}")
        (runner / "config.sh").write_text(CONFIG)
        (runner / "config.sh").chmod(0o755)
        invitation = Invitation(
            fleet=RepoName("acme/fleet"),
            node=NodeName("LAB"),
            platform=Platform.LINUX,
            base=BranchName("main"),
            root=f"{place}/root",
            labels=("LAB",),
            key="",
            web_url="https://github.com",
            token="AAAA-TOKEN",
        )
        join = joining.NodeJoin(
            invitation, NodeState(Path(place) / "state"), {"PATH": "/usr/bin:/bin"}, lambda _: None
        )
        getattr(join, step)()
        return "AAAA-TOKEN" in (runner / "arguments").read_text()


def run_with_secrets_in_arguments(command: list[str], *, secrets: Any = None, **kept: Any) -> None:
    """As GitHub's own documentation has it: `--token TOKEN`."""
    subprocess.run([*command, "--token", *(secrets or {}).values()], cwd=kept["cwd"], check=True)


RUN = (joining, "run_shown")

# -- L6: a success is an order that is carried out though it was withdrawn, or nobody says that it stands -----------


class Sink:
    def __init__(self, answer: bool | BotError) -> None:
        self.answer = answer

    def is_withdrawn(self, _number: int) -> bool:
        if isinstance(self.answer, BotError):
            raise self.answer
        return self.answer


def stands(answer: bool | BotError) -> bool:
    node = cast("LocalNode", SimpleNamespace(sink=Sink(answer)))
    identity = Identity(fleet=RepoName("acme/fleet"), node=NodeName("LAB"))
    return deploy._refuse(node, make_order(), identity) is None


WITHDRAWAL = (deploy, "find_withdrawal")


KEPT: dict[str, Attack] = {
    "time: letters before a name": Attack(
        partial(takes_the_processor, "b" * 60_000), (redact, "find_named"), searched(r"[\w.-]+password[\w.-]*=\S+")
    ),
    "time: an address that never comes to its host": Attack(
        partial(takes_the_processor, "a:" * 15_000), (redact, "find_shaped"), searched(r"[^\s@]+:[^\s@]+@\S+")
    ),
    "check: a run of another App": Attack(
        partial(takes_for_ours, {"id": 8, "slug": "aios-bot"}), OWN, checks.find_checks
    ),
    "check: a run that names no App": Attack(partial(takes_for_ours, None), OWN, checks.find_checks),
    "set-up: GitHub's code by plain HTTP": Attack(
        leads_back_in_clear,
        (setup, "_page_values"),
        lambda app_setup, form: page_values(replace(app_setup, public_url=""), form),
    ),
    "set-up: to a host that the request names": Attack(
        partial(leads_back_in_clear, "evil.example.com"),
        (setup, "_page_values"),
        lambda app_setup, form: page_values(replace(app_setup, public_url=""), form),
    ),
    "set-up: the session by plain HTTP": Attack(
        takes_the_session_in_clear,
        (setup, "_open_session"),
        lambda app_setup, token: open_session(replace(app_setup, public_url=""), token),
    ),
    "page: of a private fleet": Attack(partial(is_seen, Permission.NONE, Sight.FLEET, private=True), *VIEW),
    "page: of a plan": Attack(partial(is_seen, Permission.NONE, Sight.PLAN, private=True), *VIEW),
    "page: of a public fleet, by a reader": Attack(
        partial(is_seen, Permission.READ, Sight.FLEET, private=False), *VIEW
    ),
    "page: logs, by a reader": Attack(partial(is_seen, Permission.READ, Sight.LOGS, private=True), *VIEW),
    "yaml: variables in variables": Attack(
        partial(is_taken_up, "a: '" + "${A:-" * 3000 + "}" * 3000 + "'"), (yaml_nodes, "check_nesting"), nothing
    ),
    "yaml: lists in lists": Attack(
        partial(is_taken_up, "a: " + "[" * 200 + "]" * 200), (yaml_nodes, "_MAX_DEPTH"), 10**6
    ),
    "yaml: more nodes than a stack has": Attack(
        partial(is_taken_up, "a: [" + "1," * 41_000 + "1]"), (yaml_nodes, "_MAX_NODES"), 10**9
    ),
    "secret: of an env file, in an image": Attack(
        partial(shows_of_env_file, "{image: 'app:${BACKUP_CODE}'}", "image", "app:q7-wren"),
        (stack_secrets, "put_into_names"),
        lambda _: frozenset(),
    ),
    "secret: of an env file, in a host's name": Attack(
        partial(shows_of_env_file, "{hostname: '${BACKUP_CODE}'}", "hostname", "q7-wren"),
        (stack_secrets, "put_into_names"),
        lambda _: frozenset(),
    ),
    "secret: of an env file, in a command": Attack(
        partial(shows_of_env_file, "{command: ['run', '${BACKUP_CODE}']}", "command", ["run", "q7-wren"]),
        (stack_secrets, "known_from"),
        lambda *_, **__: NOTHING_KNOWN,
    ),
    "secret: behind its name": Attack(partial(shows, "Server=db;Pwd=hunter2"), (redact, "find_named"), lambda _: []),
    "secret: of a command": Attack(
        partial(shows, "htpasswd -b f u hunter2"), (named, "find_in_commands"), lambda _: []
    ),
    "secret: by its shape": Attack(
        partial(shows, "clone with ghp_" + "A1b2" * 9), (redact, "find_shaped"), lambda *_, **__: []
    ),
    "mark: compared with another pull request's": Attack(partial(marks_can_be_compared, "acme/fleet", "b2"), *MARKS),
    "mark: compared with another fleet's": Attack(partial(marks_can_be_compared, "acme/other", "a1"), *MARKS),
    "clone: a filter": Attack(
        partial(starts, "filter.evil.clean"), (clone_settings, "_starts_programs"), lambda _: False
    ),
    "clone: an ssh program": Attack(
        partial(starts, "core.sshcommand"), (clone_settings, "_starts_programs"), lambda _: False
    ),
    "clone: a program of its remote": Attack(
        partial(lets_remote_run, "remote.origin.uploadpack"), (clone_settings, "find_forbidden"), lambda _: ()
    ),
    "redirect: of a mirror": Attack(
        partial(takes_the_token_along, mirror), (mirrors, "token_environment"), follow_redirects
    ),
    "redirect: of a node's clone": Attack(
        partial(takes_the_token_along, cloned), (safe_git, "token_environment"), follow_redirects
    ),
    "folder: the database": Attack(
        partial(others_may_read, "database"), (folders, "make_private_folder"), lambda folder: folder.mkdir()
    ),
    "folder: a mirror": Attack(
        partial(others_may_read, "mirrors/acme/HEAD"), (folders, "make_private_folder"), lambda folder: folder.mkdir()
    ),
    "acl: what everybody has below ProgramData": Attack(
        partial(others_may_write, inherited=("BUILTIN\\Users",)), ACL, lambda *given: commands(*given)[:1]
    ),
    "acl: what somebody was given before": Attack(
        partial(others_may_write, "HOME\\Eve", inherited=()), ACL, lambda *given: commands(*given)[1:]
    ),
    "ports: a range of a thousand": Attack(
        partial(tells_each_port, 1, 1000), (port_ranges, "_follows"), lambda *_: False
    ),
    "ports: a range of sixty thousand": Attack(
        partial(tells_each_port, 1, 60_000), (port_ranges, "_follows"), lambda *_: False
    ),
    "runner: its token, while it is registered": Attack(
        partial(token_in_arguments, "_configure"), RUN, run_with_secrets_in_arguments
    ),
    "runner: its token, while it is removed": Attack(
        partial(token_in_arguments, "_remove_runner"), RUN, run_with_secrets_in_arguments
    ),
    "status: withdrawn": Attack(partial(stands, True), WITHDRAWAL, nothing),
    "status: GitHub is silent": Attack(partial(stands, RetryLater("away", seconds=60)), WITHDRAWAL, nothing),
    "status: GitHub forbids to read it": Attack(partial(stands, BotError("forbidden")), WITHDRAWAL, nothing),
}
