"""The service's pages: the webhook's door, health, and the plans it made. Composed by `create_app`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from bot.queue.inbox import Inbox
from bot.settings.values import Secret
from bot.web import metrics_page, plan_page
from bot.web.hardening import harden
from bot.web.webhook import make_blueprint

_LOG = logging.getLogger("bot.web")

Check = Callable[[], str]  # "" when all is well, else what is wrong, in a few words


def create_app(inbox: Inbox, webhook_secret: Secret | None, *, checks: Mapping[str, Check] | None = None) -> Flask:
    """The WSGI application; without a secret it has no door for webhooks.

    `checks` join the database's and the worker's in /readyz (name to check).
    """
    app = Flask(__name__)
    if webhook_secret is not None:
        app.register_blueprint(make_blueprint(inbox, webhook_secret))
    metrics_page.register(app, inbox.store)
    plan_page.register(app, inbox.store.find_plan)
    all_checks: dict[str, Check] = {
        "database": lambda: _check_database(inbox),
        "worker": lambda: "" if inbox.is_alive() else "no look is being run",
        **(checks or {}),
    }

    @app.get("/")
    def index() -> str:
        return render_template("index.html")

    @app.get("/setup/installed")
    def installed() -> str:
        return render_template("setup_installed.html")

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        found = {name: _run_check(name, check) for name, check in all_checks.items()}
        ready = not any(found.values())
        return (
            jsonify(
                status="ready" if ready else "not ready",
                checks={name: problem or "ok" for name, problem in found.items()},
            ),
            200 if ready else 503,
        )

    @app.errorhandler(HTTPException)
    def refuse(problem: HTTPException) -> tuple[Response, int]:
        return jsonify(message=problem.description or problem.name), problem.code or 500

    @app.errorhandler(Exception)
    def fail(problem: Exception) -> tuple[Response, int]:
        _LOG.error("%s %s failed", request.method, request.path, exc_info=problem)
        return jsonify(message="this failed on our side; the log says why"), 500

    harden(app)
    return app


def _check_database(inbox: Inbox) -> str:
    inbox.store.ping()
    return ""


def _run_check(name: str, check: Check) -> str:
    try:
        return check()
    except Exception as problem:  # noqa: BLE001 - any failure means "not ready"; the log has the rest
        _LOG.warning("readiness check %s failed", name, exc_info=problem)
        return f"failed ({type(problem).__name__})"
