"""Who visits a page, and what they may see. Every route of the pages and of the API asks here first.

Nobody learns whether a fleet exists that they may not see: without a session every address leads to sign-in, with
one both what is hidden and what does not exist are 404, after the same work: time tells nothing, either.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Response, g, make_response, redirect, request
from werkzeug.exceptions import Forbidden, HTTPException, NotFound, Unauthorized

from bot.domain.values import Value
from bot.features.visitors.facts import Person, Sight, VisibleFleet
from bot.features.visitors.read import NotAnsweredYet, Sights
from bot.features.visitors.store import SessionStore, TokenStore
from bot.github.id_tokens import IdTokens
from bot.settings.values import LOOPBACK_NAMES

_OWN_PATH = re.compile(r"/|/(?:fleets|plans)(?:/[A-Za-z0-9_.,%:@+-]+)*")
_CHANGING = re.compile(r"(/fleets/[^/]+/[^/]+)/state")  # the part of a page that changes
_OF_PROXIES = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
AGAIN_SECONDS = 3  # until somebody who waits for GitHub looks again
LONGEST_PATH = 500  # characters of an address that sign-in leads back to


class Visitor(Value, frozen=True):
    """Who makes this request. `person` None: a machine, or anyone on this one, where the pages are open."""

    person: Person | None
    only: str = ""  # the one fleet that a machine's token is for, in lower case
    form_token: str = ""  # what their forms must carry; "" where there is no session that a form could misuse

    @property
    def name(self) -> str:
        """The login, or ""."""
        return self.person.login if self.person else ""


class SignInNeeded(HTTPException):
    """Leads to sign-in, and back here afterwards."""

    code = 303

    def to_response(self) -> Response:
        where = f"/sign-in?{urlencode({'next': own_path(request.path)})}"
        answer = make_response(redirect(where, 303))
        answer.headers["Cache-Control"] = "no-store"
        return answer


class AnswerPending(HTTPException):
    """GitHub has not said yet whether the visitor may see this. The same for what does not exist."""

    code = 503
    description = "GitHub has not said yet whether you may see this: try again in a moment"

    def get_headers(self, *about: Any, **named: Any) -> list[tuple[str, str]]:
        """With when to try again."""
        return [*super().get_headers(*about, **named), ("Retry-After", str(AGAIN_SECONDS))]


def own_path(text: str) -> str:
    """`text` when it is an address of ours, as the page that it is a part of; else the list of fleets.

    Sign-in leads nobody elsewhere.
    """
    whole = len(text) <= LONGEST_PATH and _OWN_PATH.fullmatch(text) and ".." not in text
    return _CHANGING.sub(r"\1", text) if whole else "/fleets"


@dataclass(frozen=True)
class Guard:
    """`secure`: people reach the service by HTTPS. `open_pages`: anyone on this machine needs no session."""

    sessions: SessionStore
    tokens: TokenStore
    sights: Sights
    secure: bool
    open_pages: bool
    job_tokens: IdTokens | None = None  # of workflow jobs; None: no job may read the API

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; a browser takes __Host- from this very host by HTTPS alone."""
        return "__Host-aios_bot" if self.secure else "aios_bot"

    def find_visitor(self) -> Visitor | None:
        """Who makes this request, read once; None without a session."""
        if "visitor" not in g:
            g.visitor = self._read_visitor()
        found: Visitor | None = g.visitor
        return found

    def _read_visitor(self) -> Visitor | None:
        sent = request.headers.get("Authorization", "")
        if sent and request.path.startswith("/api/"):
            token = sent.removeprefix("Bearer ").strip()
            fleet = self.tokens.find_fleet(token)
            if fleet is None and self.job_tokens is not None and token.count(".") == 2:
                fleet = self.job_tokens.find_repository(token)
            return Visitor(person=None, only=fleet) if fleet else None
        secret = request.cookies.get(self.cookie, "")
        person = self.sessions.find(secret) if secret else None
        if person is not None:
            return Visitor(person=person, form_token=derive_form_token(secret))
        return Visitor(person=None) if self.open_pages and is_from_this_machine() else None

    def require_visitor(self) -> Visitor:
        """Who makes this request. Without a session: sign-in, or 401 for a program, and for a page's own script."""
        visitor = self.find_visitor()
        if visitor is None:
            by_script = "HX-Request" in request.headers  # it would put the page of sign-in into the page
            raise Unauthorized("sign in, or send a token") if by_script or wants_json() else SignInNeeded()
        return visitor

    def require_fleet(self, name: str | None, sight: Sight = Sight.FLEET) -> VisibleFleet:
        """The fleet that is called so, if the visitor may see this of it; 404 for any other name.

        `name` None: what the address names belongs to no fleet. It takes the same work, and gets the same answer.
        """
        visitor = self.require_visitor()
        fleet = self._find_fleet(visitor, name or request.path, sight)
        if fleet is None:
            raise NotFound("there is nothing here, or you may not see it")
        return fleet

    def _find_fleet(self, visitor: Visitor, name: str, sight: Sight) -> VisibleFleet | None:
        if visitor.person is None:
            fleet = self.sights.find_fleet(name)
            return fleet if fleet is not None and self.may_see(visitor, fleet, sight) else None
        try:
            return self.sights.find_for(visitor.person, name, sight)
        except NotAnsweredYet:
            raise AnswerPending from None

    def list_fleets(self, visitor: Visitor) -> tuple[tuple[VisibleFleet, ...], bool]:
        """The fleets that the visitor may see, and whether these are all: GitHub may not have answered yet."""
        if visitor.person is not None:
            return self.sights.list_for(visitor.person)
        return tuple(one for one in self.sights.fleets() if self.may_see(visitor, one, Sight.FLEET)), True

    def may_see(self, visitor: Visitor, fleet: VisibleFleet, sight: Sight) -> bool:
        """Whether the visitor may see this of the fleet."""
        if visitor.only:
            return fleet.name.lower() == visitor.only
        return visitor.person is None or self.sights.may_see(visitor.person, fleet, sight)

    def require_form_token(self) -> None:
        """403 unless a page of ours sent this form for this very session."""
        visitor = self.require_visitor()
        given = request.form.get("form_token", "")
        foreign = request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin"
        if foreign or not visitor.form_token or not hmac.compare_digest(given.encode(), visitor.form_token.encode()):
            raise Forbidden("this form is not one of this page's: open the page again, and repeat it there")


def derive_form_token(secret: str) -> str:
    """What the forms of a session carry; it gives nobody the session."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def is_from_this_machine() -> bool:
    """Whether the request comes straight from loopback, and its client knows that: no other name leads here."""
    if any(name in request.headers for name in _OF_PROXIES):
        return False
    try:
        host = urlsplit(f"//{request.host}").hostname
    except ValueError:
        return False
    return (request.remote_addr or "") in LOOPBACK_NAMES and host in LOOPBACK_NAMES


def wants_json() -> bool:
    """Whether a program asked, to whom a page for people is of no use."""
    return request.path.endswith(".json") or request.path.startswith("/api/")
