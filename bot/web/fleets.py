"""/fleets: the nodes of a fleet, what they should run, what they run, and how the last deploy went."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify, render_template

from bot.features.rollout.decide.rollout import Standing
from bot.features.rollout.store import RolloutStore
from bot.text.markdown import is_linkable

_PAGE = re.compile(r"[0-9a-f]{32}")
_WORDS = {
    Standing.GOOD: ("calm", "runs it"),
    Standing.FAILED: ("risky", "failed"),
    Standing.UNDER_WAY: ("notice", "under way"),
    Standing.OFFLINE: ("notice", "offline"),
    Standing.HELD: ("notice", "held"),
    Standing.TO_START: ("notice", "starting"),
    Standing.WAVE_NOT_YET: ("dim", "waits"),
}


def make_blueprint(fleets: RolloutStore, *, web_url: str) -> Blueprint:
    """`web_url` is where GitHub's own pages are."""
    blueprint = Blueprint("fleets", __name__)

    @blueprint.get("/fleets/<page>")
    def fleet_page(page: str) -> Response | tuple[Response, int]:
        found = fleets.find(page) if _PAGE.fullmatch(page) else ()
        if not found:
            return jsonify(message="there is no fleet page at this address; a rollout's comment links it"), 404
        return Response(
            render_template(
                "fleet.html",
                standings=found,
                web=web_url,
                words=_WORDS,
                when=_when,
                is_linkable=is_linkable,
                fleet=found[0].fleet,
            )
        )

    return blueprint


def _when(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else ""
