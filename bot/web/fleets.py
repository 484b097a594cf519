"""/fleets: the fleets that the visitor may see, and of each its nodes, its stacks, and what waits for a person.

A fleet's page asks for its state every five seconds; the answer is 304 while nothing changed, and no thread waits.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from urllib.parse import urlsplit

import msgspec
from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.exceptions import NotFound

from bot.domain.names import NodeName
from bot.features.rollout.decide.rollout import Standing
from bot.features.rollout.facts import Stage
from bot.features.rollout.history import NEWEST
from bot.features.rollout.store import NodeStatus
from bot.features.visitors.facts import Sight
from bot.text.counts import size
from bot.text.markdown import is_linkable
from bot.web.guard import AGAIN_SECONDS, Guard
from bot.web.reading import FleetStores, ListedFleet, ShownFleet, list_states, read_fleet
from bot.web.timeline import DAYS, draw_timeline
from bot.web.why import tell_waiting

_OLD_PAGE = re.compile(r"[0-9a-f]{32}")
ORDERS_SHOWN = 15  # of a node's history, on one page
RESULTS_READ = 40  # newest orders of a fleet, of which a stack's page shows what happened to the stack
MUTE_WORDS = {"1h": "1 hour", "1d": "1 day", "1w": "1 week"}
_WORDS = {
    Standing.GOOD: ("calm", "runs it"),
    Standing.FAILED: ("risky", "failed"),
    Standing.UNDER_WAY: ("notice", "under way"),
    Standing.OFFLINE: ("notice", "offline"),
    Standing.HELD: ("notice", "held"),
    Standing.TO_START: ("notice", "starting"),
    Standing.WAVE_NOT_YET: ("dim", "waits"),
}
STAGES = {
    Stage.MADE: ("notice", "made"),
    Stage.QUEUED: ("notice", "queued"),
    Stage.RUNNING: ("notice", "under way"),
    Stage.SUCCEEDED: ("calm", "succeeded"),
    Stage.FAILED: ("risky", "failed"),
    Stage.WITHDRAWN: ("dim", "withdrawn"),
    Stage.ABANDONED: ("risky", "no report"),
}


def _describe(node: NodeStatus) -> tuple[str, str]:
    """How grave it is where the node stands, and in a few words what that is."""
    return ("notice", "rolled back") if node.rolled_back else _WORDS[node.standing]


def make_blueprint(stores: FleetStores, guard: Guard, *, web_url: str) -> Blueprint:
    """`web_url` is where GitHub's own pages are."""
    blueprint = Blueprint("fleets", __name__)
    release = version("aios-bot")  # another one may render the same in another way
    host = "" if web_url == "https://github.com" else urlsplit(web_url).netloc

    @blueprint.get("/fleets")
    def list_page() -> Response:
        fleets, complete = guard.list_fleets(guard.require_visitor())
        return render_list(list_states(stores, fleets), complete)

    @blueprint.get("/fleets/<page>")
    def old_page(page: str) -> Response:
        """The address of a fleet's page before there was sign-in: by a rollout's comment, for those who had it."""
        guard.require_visitor()
        found = stores.statuses.find(page) if _OLD_PAGE.fullmatch(page) else ()
        fleet = guard.require_fleet(found[0].fleet if found else None)
        return make_response(redirect(f"/fleets/{fleet.name}", 303))

    @blueprint.get("/fleets/<owner>/<name>")
    def fleet_page(owner: str, name: str) -> Response:
        fleet = guard.require_fleet(f"{owner}/{name}")
        now = int(time.time())
        marks = stores.history.find_marks(fleet.name, since=now - DAYS * 86_400)
        picture = draw_timeline(marks, now=_quarter(now), link=f"/fleets/{fleet.name}/nodes/")
        return show("fleet.html", read_fleet(stores, fleet, now=now), picture=picture if marks else None)

    @blueprint.get("/fleets/<owner>/<name>/state")
    def fleet_state(owner: str, name: str) -> Response:
        """The part of the page that changes. Every open page asks for it: it is rendered only when it did."""
        fleet = guard.require_fleet(f"{owner}/{name}")
        view = read_fleet(stores, fleet, now=time.time())
        visitor = guard.require_visitor()
        shown = (view, guard.may_see(visitor, fleet, Sight.LOGS), visitor.form_token, web_url, release)
        etag = hashlib.sha256(msgspec.json.encode(shown, order="deterministic")).hexdigest()[:32]
        return find_unchanged(etag) or show("fleet_state.html", view, etag=etag)

    @blueprint.get("/fleets/<owner>/<name>/nodes/<node>")
    def node_page(owner: str, name: str, node: str) -> Response:
        fleet = guard.require_fleet(f"{owner}/{name}")
        view = read_fleet(stores, fleet, now=time.time())
        before = read_before()
        orders = stores.history.find_orders(fleet.name, NodeName(node), before=before, most=ORDERS_SHOWN + 1)
        found = view.of_node(node)
        if not found and not orders:
            raise NotFound("this fleet has no such node, or the bot never deployed to it")
        more = orders[ORDERS_SHOWN - 1].order.number if len(orders) > ORDERS_SHOWN else None
        versions = next((one.report for one in orders if one.report and one.report.engine), None)
        return show(
            "node.html",
            view,
            node=node,
            found=found,
            orders=orders[:ORDERS_SHOWN],
            more=more,
            newest=before == NEWEST,
            versions=versions,
        )

    @blueprint.get("/fleets/<owner>/<name>/stacks/<stack>")
    def stack_page(owner: str, name: str, stack: str) -> Response:
        fleet = guard.require_fleet(f"{owner}/{name}")
        view = read_fleet(stores, fleet, now=time.time())
        found = view.of_stack(stack)
        if not found:
            raise NotFound("no node of this fleet has such a stack, as far as the plans tell")
        pins: dict[tuple[str, str], list[str]] = {}
        for rollout, node in found:
            if node.status.runs_pin:
                pins.setdefault((rollout.status.submodule, node.status.runs_pin), []).append(node.status.node)
        orders = stores.history.find_orders(fleet.name, most=RESULTS_READ)
        results = [
            (one.order, service)
            for one in orders
            for service in (one.report.services if one.report else ())
            if service.stack == stack
        ]
        return show("stack.html", view, stack=stack, found=found, pins=pins, results=results[:50])

    def show(template: str, view: ShownFleet, *, etag: str = "", **more: object) -> Response:
        visitor = guard.require_visitor()
        shows_logs = guard.may_see(visitor, view.fleet, Sight.LOGS)
        words, gravity = view.summarise()
        text = render_template(
            template,
            fleet=view.fleet.name,
            view=view,
            summary=words,
            gravity=gravity,
            web=web_url,
            describe=_describe,
            stages=STAGES,
            when=render_time,
            size=size,
            is_linkable=is_linkable,
            say=lambda pull: tell_waiting(pull, view.fleet.name, host=host),
            shows_logs=shows_logs,
            may_mute=shows_logs and bool(visitor.form_token),
            mutes=MUTE_WORDS,
            **more,
        )
        return conditional(text, etag)

    return blueprint


def render_list(fleets: Sequence[ListedFleet], complete: bool) -> Response:
    """The list of fleets, which looks again by itself until GitHub has answered for all."""
    page = make_response(render_template("fleets.html", fleets=fleets, complete=complete))
    if not complete:
        page.headers["Refresh"] = str(AGAIN_SECONDS)
    return page


def conditional(text: str, etag: str = "") -> Response:
    """A page of one visitor's; 304 when their browser has it. `etag` (default: a hash) stands for the text."""
    answer = make_response(text)
    answer.set_etag(etag or hashlib.sha256(text.encode()).hexdigest()[:32])
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Vary"] = "Cookie"
    return answer.make_conditional(request)  # type: ignore[return-value]  # werkzeug's type of the same object


def find_unchanged(etag: str) -> Response | None:
    """304 when the visitor's browser has the text already that `etag` stands for."""
    return conditional("", etag) if request.if_none_match.contains(etag) else None


def read_before() -> int:
    """The number that `?before=` gives, from which a list goes on; every list's end for what is no number."""
    text = request.args.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else NEWEST


def render_time(moment: int) -> str:
    """A moment in seconds since the epoch; "" for 0."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else ""


def _quarter(now: int) -> int:
    """The end of this quarter of an hour: a picture that moved with every second would never be the same twice."""
    return (now // 900 + 1) * 900
