"""Close connections whose request does not come to its end, so that slow clients cannot take every place.

waitress closes what is silent, but one byte now and then keeps a connection for ever: 250 such clients filled the
server. From its first byte on a request has a few seconds; the time between two requests does not count.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping

from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, MultiSocketServer

REQUEST_SECONDS = 5.0
MOST_CONNECTIONS = 2000
OTHER_FILES = 256  # that the process has open besides its connections
SILENT_SECONDS = 10  # between requests, and before the first byte


class TimedChannel(HTTPChannel):
    """A connection that knows since when its request is coming in."""

    request_began: float | None = None

    def handle_read(self) -> None:
        """Note when a request begins."""
        if self.request_began is None:
            self.request_began = time.monotonic()
        super().handle_read()

    def received(self, data: bytes) -> bool:
        """Note when the request is complete."""
        taken = bool(super().received(data))
        if self.request is None:
            self.request_began = None
        return taken


def count_places() -> int:
    """How many connections may be open at once. Raises the process's limit of open files as far as it may."""
    if sys.platform == "win32":  # no such limit there
        return MOST_CONNECTIONS
    import resource  # noqa: PLC0415 - Windows has no such module

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST_CONNECTIONS
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(soft - OTHER_FILES, soft // 2)


def limit_requests(server: MultiSocketServer | BaseWSGIServer, seconds: float) -> None:
    """Make `server`, which does not run yet, close connections whose request takes longer than `seconds`."""
    listening: Iterable[object] = [server]
    if isinstance(server, MultiSocketServer):
        listening = (server.map or {}).values()
    for one in listening:
        if isinstance(one, BaseWSGIServer):
            _limit_socket(one, seconds)


def _limit_socket(server: BaseWSGIServer, seconds: float) -> None:
    close_silent = server.maintenance

    def maintenance(now: int) -> None:
        """Called once a second (`cleanup_interval`) with the time of day."""
        close_silent(now)
        latest = time.monotonic() - seconds
        channels: object = server.active_channels  # a dict; the package's types say otherwise
        for channel in list(channels.values()) if isinstance(channels, Mapping) else ():
            began = channel.request_began if isinstance(channel, TimedChannel) else None
            if began is not None and began < latest:
                channel.will_close = True

    server.channel_class = TimedChannel
    server.maintenance = maintenance  # type: ignore[method-assign]  # the one place that it calls once a second
