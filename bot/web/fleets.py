"""/fleets: the fleets that the visitor may see, and each one's nodes: what they should run, and what they run.

A fleet's page asks for its state every five seconds; the answer is 304 while nothing changed, and no thread waits.
"""

from __future__ import annotations

import hashlib
import re
import time
from datetime import UTC, datetime
from typing import NamedTuple

from flask import Blueprint, Response, make_response, redirect, render_template, request

from bot.features.holds.store import HoldStore
from bot.features.rollout.decide.rollout import Standing
from bot.features.rollout.store import RolloutStore
from bot.features.visitors.facts import Sight, VisibleFleet
from bot.text.markdown import is_linkable
from bot.web.guard import Guard, Visitor

_OLD_PAGE = re.compile(r"[0-9a-f]{32}")
ASKED_AT_ONCE = 20  # fleets that GitHub is asked about for one request
_WORDS = {
    Standing.GOOD: ("calm", "runs it"),
    Standing.FAILED: ("risky", "failed"),
    Standing.UNDER_WAY: ("notice", "under way"),
    Standing.OFFLINE: ("notice", "offline"),
    Standing.HELD: ("notice", "held"),
    Standing.TO_START: ("notice", "starting"),
    Standing.WAVE_NOT_YET: ("dim", "waits"),
}


class FleetStores(NamedTuple):
    """What a fleet's page reads: each table by its feature's own store."""

    statuses: RolloutStore
    holds: HoldStore


def make_blueprint(stores: FleetStores, guard: Guard, *, web_url: str) -> Blueprint:
    """`web_url` is where GitHub's own pages are."""
    blueprint = Blueprint("fleets", __name__)

    @blueprint.get("/fleets")
    def list_page() -> str:
        visitor = guard.require_visitor()
        seen, unasked = list_fleets(guard, visitor)
        return render_template("fleets.html", fleets=[fleet.name for fleet in seen], unasked=unasked)

    @blueprint.get("/fleets/<page>")
    def old_page(page: str) -> Response:
        """The address of a fleet's page before there was sign-in: by a rollout's comment, for those who had it."""
        guard.require_visitor()
        found = stores.statuses.find(page) if _OLD_PAGE.fullmatch(page) else ()
        fleet = guard.require_fleet(found[0].fleet if found else None)
        return make_response(redirect(f"/fleets/{fleet.name}", 303))

    @blueprint.get("/fleets/<owner>/<name>")
    def fleet_page(owner: str, name: str) -> Response:
        return show("fleet.html", guard.require_fleet(f"{owner}/{name}"))

    @blueprint.get("/fleets/<owner>/<name>/state")
    def fleet_state(owner: str, name: str) -> Response:
        """The part of the page that changes."""
        return show("fleet_state.html", guard.require_fleet(f"{owner}/{name}"))

    def show(template: str, fleet: VisibleFleet) -> Response:
        values = {
            "statuses": stores.statuses.find(stores.statuses.page_of(fleet.name)),
            "locks": stores.holds.find_locks(fleet.name, now=time.time()),
            "holds": stores.holds.find_all_holds(fleet.name),
            "shows_logs": guard.may_see(guard.require_visitor(), fleet, Sight.LOGS),
        }
        text = render_template(
            template, fleet=fleet.name, web=web_url, words=_WORDS, when=_when, is_linkable=is_linkable, **values
        )
        return conditional(text)

    return blueprint


def list_fleets(guard: Guard, visitor: Visitor) -> tuple[list[VisibleFleet], int]:
    """The fleets that the visitor may see, and about how many more GitHub was not asked for this request."""
    seen, unasked, asked = [], 0, 0
    for fleet in guard.sights.fleets():
        if visitor.person is not None and not guard.sights.is_known(visitor.person, fleet):
            asked += 1
            if asked > ASKED_AT_ONCE:
                unasked += 1
                continue
        if guard.may_see(visitor, fleet, Sight.FLEET):
            seen.append(fleet)
    return seen, unasked


def conditional(text: str) -> Response:
    """A page of one visitor's; 304 when their browser has this very text."""
    answer = make_response(text)
    answer.set_etag(hashlib.sha256(text.encode()).hexdigest()[:32])
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Vary"] = "Cookie"
    return answer.make_conditional(request)  # type: ignore[return-value]  # werkzeug's type of the same object


def _when(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else ""
