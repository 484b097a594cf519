"""Set up a bot from nothing: set-up page, manifest flow, installation. Tested as a browser sees it."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import requests

from bot.domain.names import InstallationId
from bot.github import manifest
from bot.github.app import App, connect
from bot.github.endpoints import checks, deployments
from bot.github.errors import GitHubError
from bot.protocol.order import Order
from bot.protocol.outcome import Difference, DifferenceKind, OrderEnd, Outcome
from bot.protocol.report import render_report
from bot.settings.environment import child_environment
from sandbox.github import EmbeddedGitHub
from sandbox.service import Service, free_port, launch_service, wait_until_ready
from sandbox.world import FLEET, NODE, OWNER, PERSON, SERVER, AiosWorld, build_repositories
from tests.acceptance.outside import Outside, eventually
from tests.openapi import Exchange, complaints, judge_exchange

INGRESS = "stacks/ingress/docker-compose.yml"


class Fresh(NamedTuple):
    """A bot that was never set up, beside a GitHub without an App."""

    hub: EmbeddedGitHub
    token: str
    service: Service
    settings: dict[str, str]
    folder: Path


@pytest.fixture
def fresh() -> Iterator[Fresh]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-")))
        hub = stack.enter_context(EmbeddedGitHub(folder / "github"))
        hub.start()
        token = build_repositories(hub, folder=folder / "people", node_root=folder / "node/aios-supercell")
        port = free_port()
        settings = {
            "GITHUB_API_URL": f"{hub.url}/api/v3",
            "AIOS_BOT_DATA": str(folder / "bot"),
            "AIOS_BOT_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "PORT": str(port),
        }
        service = launch_service(settings)
        stack.callback(service.stop)
        yield Fresh(hub, token, service, settings, folder)


def printed_address(service: Service) -> str:
    def find() -> str | None:
        found = re.search(r"http://\S+/setup\?token=\S+", service.log.read_text())
        return found.group(0) if found else None

    return eventually("the address of the set-up page", find)


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """Where the first posting form of a page goes, and its hidden fields."""
    form = re.search(r'<form method="post" action="([^"]+)".*?</form>', page, re.DOTALL)
    assert form, page
    fields = re.findall(r'<input[^>]*?name="([^"]+)"[^>]*?value="([^"]*)"', form.group(0))
    return unescape(form.group(1)), {name: unescape(value) for name, value in fields}


class Browser:
    """Follows redirects, keeps cookies, sends the Origin that a browser would."""

    def __init__(self) -> None:
        self._session = requests.Session()

    def open(self, url: str) -> requests.Response:
        return self._session.get(url, timeout=30)

    def press(self, page: requests.Response, **filled: str | list[str]) -> requests.Response:
        """Send the page's form; its answer without following where that leads."""
        where, fields = form_of(page.text)
        here = re.match(r"https?://[^/]+", page.url)
        assert here
        target = where if where.startswith("http") else here.group(0) + where
        return self._session.post(
            target,
            data={**fields, **filled},
            headers={"Origin": here.group(0)},
            allow_redirects=False,
            timeout=30,
        )

    def follow(self, answer: requests.Response) -> requests.Response:
        """Where a redirect leads, one step."""
        return self._session.get(answer.headers["Location"], allow_redirects=False, timeout=30)


def set_up(fresh: Fresh) -> AiosWorld:
    """All that a person clicks, from the printed address to the installed App."""
    browser = Browser()
    page = browser.open(printed_address(fresh.service))
    assert page.status_code == 200, page.text
    asking = browser.press(page)
    assert asking.status_code == 200, asking.text
    assert "Create GitHub App" in asking.text
    created = browser.press(asking)
    registered = browser.follow(created)
    assert registered.status_code == 303, registered.text
    wait_until_ready(fresh.service)
    choosing = browser.follow(registered)
    installed = browser.press(choosing, repository=[SERVER, FLEET])
    after = browser.follow(installed)
    assert "aios-bot is installed" in after.text
    slug = re.search(r"/apps/([^/]+)/", registered.headers["Location"])
    assert slug
    app, installation = fresh.hub.find_app(slug.group(1))
    return AiosWorld(fresh.hub, app, installation, fresh.token, fresh.folder / "people")


def deploy_once(world: AiosWorld) -> None:
    """One way through all that the bot does at GitHub: checks waited for, pull request, merge, order, comment."""
    outside = Outside(world)
    file = (world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    waiting = file.replace("    order:", "    wait_for_checks: true\n    order:")
    assert waiting != file
    who = "drift: {every: 2s}\ncommands:\n  who: {help: ['team:keepers']}\n"
    world.push(FLEET, {".github/aios-bot.yml": waiting + who}, "Wait for upstream's checks; a team that may ask")
    world.hub.create_team(OWNER, "keepers", [PERSON])
    pushed = world.edit(SERVER, INGRESS, "traefik:v3.1", "traefik:v3.2", "Traefik 3.2")
    outside.send("POST", f"/repos/{SERVER}/statuses/{pushed}", {"state": "success", "context": "ci"})
    pull = eventually(
        "the pull request with its plan",
        lambda: next(
            (p for p in outside.pulls(FLEET) if "aios/plan" in outside.checks(FLEET, p["head"]["sha"])), None
        ),
    )
    world.hub.comment(FLEET, pull["number"], "/help", by=PERSON)
    eventually("the answer", lambda: len(outside.comments(FLEET, pull["number"])) > 1)
    world.hub.use_merge_queue(FLEET)
    world.hub.set_rules(FLEET, "main", contexts=["aios/plan"], sources={"aios/plan": world.app.id})
    world.hub.enqueue(FLEET, pull["number"], by=PERSON)
    ((_, commit),) = world.hub.queued_groups(FLEET)
    eventually("the order", lambda: play_node(world), seconds=60)
    eventually("the end of it", lambda: outside.deployment_states(FLEET, commit)[NODE][-1:] == ["success"])
    missing = Difference(kind=DifferenceKind.MISSING, stack="ingress", service="whoami", text="is missing")

    def drifted() -> list[Any]:
        play_node(world, missing)  # it is asked again and again
        return [issue for issue in issues(outside) if "pull_request" not in issue]

    eventually("the issue of the drift", drifted, seconds=90)


def issues(outside: Outside) -> list[Any]:
    return list(outside.get(f"/repos/{FLEET}/issues", state="open"))


def play_node(world: AiosWorld, *differences: Difference) -> bool:
    """The node's next job, if there is one, done by hand and told as a node tells it."""
    job = world.hub.claim_job(["self-hosted", NODE], timeout=0.5)
    if job is None:
        return False
    order = msgspec.json.decode(base64.b64decode(json.loads(job.inputs["order"])["payload"]), type=Order)
    client = connect(f"{world.hub.url}/api/v3", job.token)
    told = render_report(order, Outcome(end=OrderEnd.SUCCESS, text="by hand", order=order, differences=differences))
    checks.post_check(
        client,
        FLEET,
        sha=order.commit,
        name=told.name,
        conclusion=told.conclusion,
        title=told.title,
        summary=told.summary,
        text=told.text,
        external_id=told.external_id,
    )
    deployments.post_deployment_status(client, FLEET, order.number, state="success", description="by hand")
    world.hub.finish_job(job, "success", "")
    return True


def check(fresh: Fresh) -> subprocess.CompletedProcess[str]:
    """`aios-bot check`, where the service runs."""
    environment = child_environment() | fresh.settings
    return subprocess.run(
        [sys.executable, "-m", "bot", "check"], env=environment, capture_output=True, text=True, check=False
    )


def test_set_up_from_the_printed_address_to_a_rollout(fresh: Fresh) -> None:
    """One long way, because each part of it stands on the one before."""
    world = set_up(fresh)
    deploy_once(world)
    assert world.hub.exercised == manifest.permissions(), "the permissions asked for are the ones used"

    client = App(
        api_url=f"{world.hub.url}/api/v3", app_id=str(world.app.id), private_key=world.app.private_key_pem
    ).as_installation(InstallationId(world.installation))
    for what in (f"{SERVER}/statuses/{'a' * 40}", f"{FLEET}/actions/runners/registration-token"):
        with pytest.raises(GitHubError, match="not accessible by integration"):
            client.send("POST", f"/repos/{what}", {"state": "success"})

    checked = check(fresh)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "all is well" in checked.stdout
    assert "FAIL" not in checked.stdout
    assert f"fleet {FLEET}: 1 submodule, 1 node" in checked.stdout

    rest = [one for one in world.hub.requests if one.kind == "rest"]
    assert any("conversions" in one.path for one in rest)
    told = complaints(judge_exchange(Exchange(one.method, one.path, one.status, one.body)) for one in rest)
    assert not told, told

    fresh.service.stop()
    data = fresh.folder / "bot"
    secret = world.app.private_key_pem.splitlines()[1].encode()
    assert not [file for file in data.rglob("*") if file.is_file() and secret in file.read_bytes()]
    assert (data / "keys/credentials.key").stat().st_mode & 0o077 == 0
    again = launch_service(fresh.settings)
    try:
        wait_until_ready(again)
    finally:
        again.stop()
    (data / "keys/credentials.key").unlink()
    locked = launch_service(fresh.settings)
    assert locked.process.wait(60) == 1
    assert "cannot be opened with" in locked.log.read_text()
