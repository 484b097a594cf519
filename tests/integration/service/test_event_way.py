"""One push goes from the webhook to the bump's decision by the steps that docs/architecture.md lists."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from bot.cli.serve import Service
from bot.domain.names import RepoName
from bot.features.fleets.jobs import SyncFleet
from bot.github.webhook import sign
from bot.service.database import open_store
from bot.service.metrics import render_metrics
from bot.service.router import encode_job
from bot.settings.service import read_settings
from bot.settings.values import Credentials, Secret
from bot.web.app import create_app
from sandbox.github import EmbeddedGitHub
from sandbox.world import FLEET, SERVER, build_world
from tests.architecture import read_steps, recorded

SECRET = Secret("0123456789abcdef")


def test_a_push_reaches_the_decision_by_the_documented_steps(tmp_path: Path, monkeypatch: object) -> None:
    steps = read_steps("One event's way in")
    assert len(steps) == 8
    with EmbeddedGitHub(tmp_path / "github") as hub:
        hub.start()
        world = build_world(
            hub,
            folder=tmp_path / "people",
            node_root=tmp_path / "node",
            webhook_url="http://127.0.0.1:1/webhook",
            webhook_secret=SECRET.reveal(),
        )
        settings = read_settings(
            {
                "GITHUB_APP_ID": str(world.app.id),
                "GITHUB_APP_PRIVATE_KEY": world.app.private_key_pem,
                "GITHUB_WEBHOOK_SECRET": SECRET.reveal(),
                "GITHUB_API_URL": f"{hub.url}/api/v3",
                "AIOS_BOT_DATA": str(tmp_path / "bot"),
            }
        )
        store = open_store(settings.database_url.reveal())
        credentials = Credentials(
            app_id=world.app.id, private_key=Secret(world.app.private_key_pem), webhook_secret=SECRET
        )
        service = Service(settings, credentials, store, redelivers=True)
        app = create_app(
            service.worker.inbox,
            service.intake.plans,
            service.pages.fleets,
            receive=service.intake.receive,
            webhook_secret=SECRET,
            guard=service.pages.guard,
            sign_in=None,
            public_url="",
            web_url=settings.html_url,
            render_metrics=lambda: render_metrics(store),
        )
        service.worker.handle(encode_job(SyncFleet(fleet=RepoName(FLEET), installation=world.installation)))  # type: ignore[arg-type]  # a plain number there
        pushed = world.push(SERVER, {"stacks/ingress/dynamic/headers.yml": "http: {}\n"}, "Headers")
        body = json.dumps(
            {
                "ref": "refs/heads/main",
                "after": pushed,
                "deleted": False,
                "repository": {"full_name": SERVER, "default_branch": "main"},
                "installation": {"id": world.installation},
                "commits": [],
            }
        ).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": sign(body, SECRET),
        }
        with recorded(steps) as seen:
            assert app.test_client().post("/webhook", data=body, headers=headers).status_code == 202
            service.worker.inbox.start(service.worker.handle)
            assert service.worker.inbox.wait_until_idle(120)
        service.worker.inbox.stop()
        store.close()
    assert seen == steps
