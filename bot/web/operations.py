"""Pages for operators: the index, /healthz, /readyz and /metrics."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify, render_template

from bot.observability.metrics import CONTENT_TYPE

Check = Callable[[], str]  # "" when all is well, else what is wrong, in a few words

_LOG = logging.getLogger("bot.web")


def make_blueprint(checks: Mapping[str, Check], render_metrics: Callable[[], bytes]) -> Blueprint:
    """`checks`: what /readyz runs, by name. `render_metrics`: the page of /metrics in Prometheus' text format."""
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
        return Response(render_metrics(), content_type=CONTENT_TYPE)

    return blueprint


def _run_check(name: str, check: Check) -> str:
    try:
        return check()
    except Exception as problem:  # noqa: BLE001 - any failure means "not ready"; the log has the rest
        _LOG.warning("readiness check %s failed", name, exc_info=problem)
        return f"failed ({type(problem).__name__})"
