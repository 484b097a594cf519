"""/fleets: the fleets that the visitor may see, and each one's nodes: what they should run, and what they run."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from flask import Blueprint, Response, make_response, redirect, render_template

from bot.features.rollout.decide.rollout import Standing
from bot.features.rollout.store import RolloutStore
from bot.features.visitors.facts import Sight
from bot.text.markdown import is_linkable
from bot.web.guard import Guard

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


def make_blueprint(fleets: RolloutStore, guard: Guard, *, web_url: str) -> Blueprint:
    """`web_url` is where GitHub's own pages are."""
    blueprint = Blueprint("fleets", __name__)

    @blueprint.get("/fleets")
    def list_page() -> str:
        visitor = guard.require_visitor()
        seen, unasked, asked = [], 0, 0
        for fleet in guard.sights.fleets():
            if visitor.person is not None and not guard.sights.is_known(visitor.person, fleet):
                asked += 1
                if asked > ASKED_AT_ONCE:
                    unasked += 1
                    continue
            if guard.may_see(visitor, fleet, Sight.FLEET):
                seen.append(fleet.name)
        return render_template("fleets.html", fleets=seen, unasked=unasked)

    @blueprint.get("/fleets/<page>")
    def old_page(page: str) -> Response:
        """The address of a fleet's page before there was sign-in: by a rollout's comment, for whoever had it."""
        guard.require_visitor()
        found = fleets.find(page) if _OLD_PAGE.fullmatch(page) else ()
        fleet = guard.require_fleet(found[0].fleet if found else None)
        return make_response(redirect(f"/fleets/{fleet.name}", 303))

    @blueprint.get("/fleets/<owner>/<name>")
    def fleet_page(owner: str, name: str) -> str:
        fleet = guard.require_fleet(f"{owner}/{name}").name
        return render_template(
            "fleet.html",
            standings=fleets.find(fleets.page_of(fleet)),
            web=web_url,
            words=_WORDS,
            when=_when,
            is_linkable=is_linkable,
            fleet=fleet,
        )

    return blueprint


def _when(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else ""
