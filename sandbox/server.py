"""Serve the embedded GitHub's API, git repositories and pages by HTTP on loopback."""

from __future__ import annotations

import threading
from contextlib import suppress

from flask import Flask
from waitress.server import TcpWSGIServer, create_server

from sandbox import (
    account_pages,
    authorization,
    code_pages,
    graphql,
    id_tokens,
    pages,
    pull_pages,
    registration,
    rest_actions,
    rest_apps,
    rest_checks,
    rest_comments,
    rest_contents,
    rest_deployments,
    rest_environments,
    rest_git,
    rest_issues,
    rest_orgs,
    rest_people,
    rest_pulls,
    runners,
    smart_http,
    work_pages,
)
from sandbox.api import Api
from sandbox.faults import BreakableChannel

_REST = (
    authorization,
    registration,
    runners,
    rest_apps,
    rest_contents,
    rest_git,
    rest_orgs,
    rest_pulls,
    rest_comments,
    rest_people,
    rest_issues,
    rest_checks,
    rest_deployments,
    rest_actions,
    rest_environments,
)
"""The modules with routes of the REST API."""

_PAGES = (pages, code_pages, pull_pages, work_pages, account_pages, registration, authorization, runners)
"""The modules with pages, and with what programs other than the API's clients ask for."""

THREADS = 16
MAX_REQUEST_BYTES = 100 * 1024 * 1024  # bytes


def make_app(api: Api) -> Flask:
    """The application with every route."""
    flask = Flask(__name__)
    for module in _REST:
        api.register(flask, module.ROUTES)
    for part in (graphql, smart_http, *_PAGES, id_tokens):
        part.register(flask, api)
    return flask


class HttpServer:
    """Serves from its creation until `stop`, in a thread of its own. Port 0: any free one."""

    def __init__(self, api: Api, port: int) -> None:
        self.application = make_app(api)
        server = create_server(
            self.application, host="127.0.0.1", port=port, threads=THREADS, max_request_body_size=MAX_REQUEST_BYTES
        )
        if not isinstance(server, TcpWSGIServer):
            raise TypeError("one address must give one server")
        server.channel_class = BreakableChannel
        self._server = server
        self.port = int(server.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, name="embedded-github", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):  # `stop` closes the socket that it waits on
            self._server.run()

    def stop(self) -> None:
        """Close the socket and end the threads."""
        self._server.close()
        self._server.task_dispatcher.shutdown(timeout=2)
        self._thread.join(timeout=0.1)  # kept connections would make it wait
