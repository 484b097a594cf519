"""/fleets/OWNER/NAME/deliveries and /audit: what came in for a fleet, and who did what; and the pages' buttons."""

from __future__ import annotations

import time

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from bot.features.audit.store import find_records
from bot.features.notices.apply.conditions import mute
from bot.features.visitors.facts import Sight
from bot.queue import admin
from bot.queue.lanes import JobState
from bot.web.answers import redirect_uncached
from bot.web.fleets import conditional, read_before, render_time
from bot.web.guard import Guard
from bot.web.reading import FleetStores

SHOWN = 50  # lines of a page
LONGEST_SEARCH = 100  # characters
_MUTE_SECONDS = {"1h": 3600, "1d": 86_400, "1w": 7 * 86_400, "0": 0}  # 0: no more
_STATES = {
    JobState.WAITING: ("notice", "waits"),
    JobState.HELD: ("notice", "held"),
    JobState.RUNNING: ("notice", "running"),
    JobState.DONE: ("calm", "done"),
    JobState.FAILED: ("risky", "failed"),
    JobState.CANCELLED: ("dim", "cancelled"),
}


def make_blueprint(stores: FleetStores, guard: Guard, *, web_url: str) -> Blueprint:
    """`web_url` is where GitHub's own pages are."""
    blueprint = Blueprint("records", __name__)

    @blueprint.get("/fleets/<owner>/<name>/deliveries")
    def deliveries(owner: str, name: str) -> Response:
        fleet = guard.require_fleet(f"{owner}/{name}")
        visitor = guard.require_visitor()
        rows, more = admin.list_lane(stores.database, fleet.name, before=read_before(), most=SHOWN)
        left, limit, reset = stores.read_budget(fleet.installation)
        text = render_template(
            "deliveries.html",
            fleet=fleet.name,
            web=web_url,
            rows=rows,
            more=more,
            states=_STATES,
            budget=(left, limit, render_time(reset)) if limit else None,
            when=lambda moment: render_time(moment // 1000),
            may_redeliver=bool(visitor.form_token) and guard.may_see(visitor, fleet, Sight.LOGS),
        )
        return conditional(text)

    @blueprint.post("/fleets/<owner>/<name>/deliveries/<guid>")
    def redeliver(owner: str, name: str, guid: str) -> Response:
        """Try again what failed or waits in this fleet's lane. Whoever may write to the repository may."""
        guard.require_form_token()
        fleet = guard.require_fleet(f"{owner}/{name}", Sight.LOGS)
        if not admin.retry(stores.database, guid, key=fleet.name):
            raise NotFound("nothing of this delivery failed or waits")
        return redirect_uncached(f"/fleets/{fleet.name}/deliveries")

    @blueprint.post("/fleets/<owner>/<name>/notices/<int(max=9007199254740991):number>/mute")
    def mute_notice(owner: str, name: str, number: int) -> Response:
        """Send no message about an open notice for a while. Whoever may write to the repository may."""
        guard.require_form_token()
        fleet = guard.require_fleet(f"{owner}/{name}", Sight.LOGS)
        seconds = _MUTE_SECONDS.get(request.form.get("for", ""))
        if seconds is None:
            raise BadRequest(f"`for` must be one of {', '.join(_MUTE_SECONDS)}")
        by, now = guard.require_visitor().name, int(time.time())
        if not mute(stores.database, fleet.name, number, by=by, seconds=seconds, now=now):
            raise NotFound("this notice is over")
        return redirect_uncached(f"/fleets/{fleet.name}")

    @blueprint.get("/fleets/<owner>/<name>/audit")
    def audit(owner: str, name: str) -> Response:
        fleet = guard.require_fleet(f"{owner}/{name}")
        search = request.args.get("q", "").strip()[:LONGEST_SEARCH]
        lines, more = find_records(stores.database, fleet.name, search, before=read_before(), most=SHOWN)
        text = render_template(
            "audit.html", fleet=fleet.name, web=web_url, lines=lines, more=more, search=search, when=render_time
        )
        return conditional(text)

    return blueprint
