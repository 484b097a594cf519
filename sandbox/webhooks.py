"""Deliver webhooks: signed, in order, with GitHub's time limit, never retried by themselves, listed for the App."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import queue
import random
import threading
import time
import uuid
from typing import Any, NamedTuple

import requests

from sandbox.access import EVENT_PERMISSIONS, record_use
from sandbox.app_records import AppRecord, Delivery, Installation
from sandbox.records import Repo, iso_now
from sandbox.state import State

TIME_LIMIT = 10  # seconds (GitHub: best practices for using webhooks)


class Disorder(NamedTuple):
    """How to disturb deliveries: shuffle them, and send a share of them twice."""

    dice: random.Random
    doubled: float
    gather: float = 0.5  # seconds during which deliveries are collected to be shuffled


class Webhooks:
    """Sends events to the Apps that subscribed to them, from one thread."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._queue: queue.Queue[Delivery | None] = queue.Queue()
        self._thread = threading.Thread(target=self._loop, name="webhooks", daemon=True)
        self._session = requests.Session()
        self.disorder: Disorder | None = None
        self.dropping = False  # as if GitHub lost the deliveries: neither sent nor listed

    def start(self) -> None:
        """Start delivering."""
        self._thread.start()

    def stop(self) -> None:
        """Deliver what is queued, then stop."""
        self._queue.put(None)
        self._thread.join()

    def emit(
        self,
        event: str,
        payload: dict[str, Any],
        *,
        repo: Repo | None,
        action: str | None = None,
        only_to: AppRecord | None = None,
    ) -> None:
        """Queue `event` for every installation that has `repo` and subscribed to it; `only_to`: of this App alone."""
        for installation in list(self._state.installations.values()):
            here = repo is None or repo.full_name in installation.repositories
            if EVENT_PERMISSIONS.get(event, "metadata") not in installation.permissions:
                continue  # an event comes with the permission that it needs
            here = here and only_to in (None, installation.app)
            if here and (event in installation.app.events or event in ("installation", "ping")):
                if event in EVENT_PERMISSIONS:
                    record_use(self._state, EVENT_PERMISSIONS[event], "read")
                self.emit_to(installation, event, payload, repo=repo, action=action)

    def emit_to(
        self,
        installation: Installation,
        event: str,
        payload: dict[str, Any],
        *,
        repo: Repo | None,
        action: str | None = None,
    ) -> None:
        """Queue `event` for one installation, whatever it subscribed to."""
        if self.dropping or not installation.app.webhook_url:
            return
        full = payload if "installation" in payload else payload | {"installation": _of(installation)}
        delivery = Delivery(
            id=self._state.new_id(),
            guid=str(uuid.uuid4()),
            event=event,
            action=action,
            installation=installation.id,
            repository=repo.id if repo else None,
            url=installation.app.webhook_url,
            headers={},
            payload=({"action": action} if action else {}) | full,
            redelivery=False,
        )
        self._state.deliveries.append(delivery)
        self._queue.put(delivery)

    def emit_to_app(self, app: AppRecord, event: str, payload: dict[str, Any], *, action: str) -> None:
        """Queue `event` for an App, whatever it subscribed to and wherever it is installed."""
        if self.dropping or not app.webhook_url:
            return
        delivery = Delivery(
            id=self._state.new_id(),
            guid=str(uuid.uuid4()),
            event=event,
            action=action,
            installation=None,
            repository=None,
            url=app.webhook_url,
            headers={},
            payload={"action": action} | payload,
            redelivery=False,
            app=app,
        )
        self._state.deliveries.append(delivery)
        self._queue.put(delivery)

    def redeliver(self, delivery: Delivery) -> None:
        """Send the same delivery again, under the same GUID."""
        again = Delivery(**{**vars(delivery), "id": self._state.new_id(), "redelivery": True, "status": "pending"})
        self._state.deliveries.append(again)
        self._queue.put(again)

    def wait(self, timeout: float) -> bool:
        """Wait until everything queued was sent."""
        deadline = time.monotonic() + timeout
        while self._queue.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.005)
        return not self._queue.unfinished_tasks

    def _loop(self) -> None:
        while True:
            batch = [self._queue.get()]
            if self.disorder is not None:
                batch = self._shuffle(batch, self.disorder)
            for delivery in batch:
                if delivery is not None:
                    self._send(delivery)
                    if self.disorder is not None and self.disorder.dice.random() < self.disorder.doubled:
                        self._send(delivery)
                self._queue.task_done()
            if None in batch:
                return

    def _shuffle(self, batch: list[Delivery | None], disorder: Disorder) -> list[Delivery | None]:
        until = time.monotonic() + disorder.gather
        while time.monotonic() < until:
            with contextlib.suppress(queue.Empty):
                batch.append(self._queue.get(timeout=0.05))
        disorder.dice.shuffle(batch)
        return batch

    def _send(self, delivery: Delivery) -> None:
        known = self._state.uninstalled | self._state.installations
        app = delivery.app or known[delivery.installation or 0].app
        body = json.dumps(delivery.payload).encode()
        signature = hmac.new(app.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        delivery.headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/0000000",
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-GitHub-Hook-ID": str(app.id),
            "X-GitHub-Hook-Installation-Target-ID": str(app.id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        delivery.delivered_at = iso_now()
        start = time.monotonic()
        try:
            answer = self._session.post(app.webhook_url, data=body, headers=delivery.headers, timeout=TIME_LIMIT)
            delivery.status_code = answer.status_code
            delivery.status = "OK" if answer.ok else f"Invalid HTTP Response: {answer.status_code}"
            delivery.response = answer.text[:5000]
        except requests.Timeout:
            delivery.status = "timed out"
        except requests.RequestException as problem:
            delivery.status, delivery.response = "failed to connect to host", type(problem).__name__
        delivery.duration = round(time.monotonic() - start, 3)


def _of(installation: Installation) -> dict[str, Any]:
    return {"id": installation.id, "node_id": f"I_{installation.id}"}
