"""Pages for operators: the index, /healthz, /readyz and /metrics."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify, render_template, request

from bot.observability.metrics import CONTENT_TYPE
from bot.settings.values import Secret
from bot.web.guard import is_from_this_machine

Check = Callable[[], str]  # "" when all is well, else what is wrong, in a few words

_LOG = logging.getLogger("bot.web")


def make_blueprint(
    checks: Mapping[str, Check], render_metrics: Callable[[], bytes], metrics_token: Secret | None
) -> Blueprint:
    """`checks`: what /readyz runs, by name. `render_metrics`: the page of /metrics in Prometheus' text format.

    Who sends `metrics_token` may read that page; without a token anyone on this machine.
    """
    blueprint = Blueprint("operations", __name__)

    @blueprint.get("/")
    def index() -> str:
        return render_template("index.html")

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        problems = {name: _run_check(name, check) for name, check in checks.items()}
        ready = not any(problems.values())
        return (
            jsonify(
                status="ready" if ready else "not ready",
                checks={name: problem or "ok" for name, problem in problems.items()},
            ),
            200 if ready else 503,
        )

    @blueprint.get("/metrics")
    def metrics() -> Response:
        if not _may_read_metrics(metrics_token):
            cure = "send AIOS_BOT_METRICS_TOKEN as a bearer token; without one only this machine may read metrics"
            return Response(f"{cure}\n", 401, {"WWW-Authenticate": "Bearer"}, content_type="text/plain")
        return Response(render_metrics(), content_type=CONTENT_TYPE)

    return blueprint


def _may_read_metrics(token: Secret | None) -> bool:
    """Whether the request carries the token; where there is none, whether it comes straight from this machine."""
    if token is not None:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, f"Bearer {token.reveal()}".encode())
    return is_from_this_machine()


def _run_check(name: str, check: Check) -> str:
    try:
        return check()
    except Exception as problem:  # noqa: BLE001 - any failure means "not ready"; the log has the rest
        _LOG.warning("readiness check %s failed", name, exc_info=problem)
        return f"failed ({type(problem).__name__})"
