"""A sender for unit tests: plays responses, and keeps the requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from bot.github.client import Client, Response
from bot.github.connection.backoff import Backoff

API = "https://api.github.example"


class Request(NamedTuple):
    verb: str
    path: str
    parameters: Mapping[str, str | int]
    headers: Mapping[str, str]
    body: object


class Scripted:
    """Plays `responses` in order."""

    origin = API
    graphql_url = "/graphql"

    def __init__(self, *responses: Response) -> None:
        self.responses = list(responses)
        self.sent: list[Request] = []

    def send(
        self,
        verb: str,
        path: str,
        *,
        parameters: Mapping[str, str | int],
        headers: Mapping[str, str],
        body: object,
    ) -> Response:
        self.sent.append(Request(verb, path, parameters, headers, body))
        return self.responses.pop(0)

    def client(self, *, app_id: int | None = None) -> Client:
        return Client(self, Backoff(), app_id=app_id)

    @property
    def lines(self) -> list[str]:
        return [f"{one.verb} {one.path}" for one in self.sent]


def reply(body: object = None, status: int = 200, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): text for name, text in headers.items()}, json.dumps(body))
