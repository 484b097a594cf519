"""The service's WSGI applications, with every route that they serve."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from bot.features.bump.store import PlanStore
from bot.github.endpoints.authorization import SignIn
from bot.queue.inbox import Inbox
from bot.settings.values import Secret
from bot.web import fleets as fleet_pages
from bot.web import operations, plans, records, setup, signin, webhook
from bot.web.api import answers as api_answers
from bot.web.api.routes import make_blueprint as make_api_blueprint
from bot.web.guard import AGAIN_SECONDS, AnswerPending, Guard, SignInNeeded, wants_json
from bot.web.operations import Check
from bot.web.reading import FleetStores
from bot.web.setup import AppSetup
from bot.web.webhook import Receive

_LOG = logging.getLogger("bot.web")
# Not no-referrer: with it Chromium sends `Origin: null` with our own forms.
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}


def create_app(
    inbox: Inbox,
    found_plans: PlanStore,
    fleet_stores: FleetStores,
    *,
    webhook_secret: Secret | None,
    receive: Receive,
    guard: Guard,
    sign_in: SignIn | None,
    public_url: str,
    web_url: str,
    render_metrics: Callable[[], bytes],
    metrics_token: Secret | None = None,
    checks: Mapping[str, Check] | None = None,
) -> Flask:
    """The application of a service that is set up. Without a secret it has no route for webhooks.

    `receive` stores a delivery with its jobs. `guard` decides who sees what; without `sign_in` nobody can sign in.
    `public_url` is where people reach the service. `web_url` is where GitHub's own pages are. `render_metrics` gives
    the page of /metrics, to whoever sends `metrics_token`. `checks` join the database's and the worker's in /readyz,
    by name.
    """
    app = Flask(__name__)
    app.jinja_env.finalize = show_plainly
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if webhook_secret is not None:
        app.register_blueprint(webhook.make_blueprint(receive, webhook_secret))
    app.register_blueprint(signin.make_blueprint(guard, sign_in, public_url=public_url))
    app.register_blueprint(plans.make_blueprint(found_plans, fleet_stores, guard, web_url=web_url))
    app.register_blueprint(fleet_pages.make_blueprint(fleet_stores, guard, web_url=web_url))
    app.register_blueprint(records.make_blueprint(fleet_stores, guard, web_url=web_url))
    app.register_blueprint(make_api_blueprint(fleet_stores, found_plans, guard))
    app.context_processor(lambda: {"visitor": guard.find_visitor()})
    app.register_blueprint(setup.make_installed_blueprint())
    all_checks: dict[str, Check] = {
        "database": lambda: _check_database(inbox),
        "worker": lambda: "" if inbox.is_alive() else "no jobs are being run",
        **(checks or {}),
    }
    app.register_blueprint(operations.make_blueprint(all_checks, render_metrics, metrics_token))

    @app.errorhandler(HTTPException)
    def refuse(problem: HTTPException) -> Response | tuple[Response, int]:
        if isinstance(problem, SignInNeeded):
            return problem.to_response()
        if request.path.startswith("/api/"):
            return api_answers.refuse(problem)
        text = problem.description or problem.name
        if request.path.startswith(("/fleets", "/plans")) and not wants_json():
            page = make_response(render_template("problem.html", title=problem.name, text=text), problem.code or 500)
            if isinstance(problem, AnswerPending):
                page.headers["Refresh"] = str(AGAIN_SECONDS)  # the browser looks again by itself
            return page
        return jsonify(message=text), problem.code or 500

    @app.errorhandler(Exception)
    def fail(problem: Exception) -> tuple[Response, int]:
        _LOG.error("%s %s failed", request.method, request.path, exc_info=problem)
        words = "internal error; see the service's log"
        if request.path.startswith("/api/"):
            return api_answers.render_problem("Internal Server Error", 500, words), 500
        return jsonify(message=words), 500

    harden(app, forms_to="'self'")
    return app


def create_setup_app(app_setup: AppSetup) -> Flask:
    """The application of a service that has no GitHub App yet."""
    app = Flask(__name__)
    app.register_blueprint(setup.make_blueprint(app_setup))
    # A browser applies form-action to the redirects that follow a form, too.
    harden(app, forms_to=f"'self' {app_setup.web_url}")
    return app


_CONTROLS = (*range(9), *range(11, 32), *range(127, 160))
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SHOWN = dict.fromkeys((*_CONTROLS, *_BIDI), "\ufffd")


def show_plainly(value: object) -> object:
    """What a template writes: a stranger's text may not turn the direction of what stands beside it."""
    return value.translate(_SHOWN) if isinstance(value, str) and not hasattr(value, "__html__") else value


def harden(app: Flask, *, forms_to: str = "'none'") -> None:
    """Add security headers to every response: a browser loads and sends nothing but what is the service's own.

    `forms_to`: where the pages' forms may be sent (CSP's form-action).
    """
    policy = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
        "base-uri 'none'; "
        f"form-action {forms_to}; frame-ancestors 'none'"
    )

    @app.after_request
    def add(response: Response) -> Response:
        for name, text in {**_HEADERS, "Content-Security-Policy": policy}.items():
            response.headers.setdefault(name, text)
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")  # a cache between could give it to somebody else
        return response


def _check_database(inbox: Inbox) -> str:
    inbox.store.ping()
    return ""
