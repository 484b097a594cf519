"""Serve every state of the pages on a port of this machine, without a GitHub."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from werkzeug.serving import make_server

from bot.features.rollout.store import RolloutStore
from bot.queue.inbox import Inbox
from bot.service.database import open_store
from tests.browser.states import fill
from tests.queueing import make_app


@contextmanager
def serve_states(folder: Path) -> Iterator[dict[str, str]]:
    """The addresses of all states, served from a database in `folder`."""
    store = open_store(f"sqlite:///{folder / 'bot.sqlite3'}")
    found = fill(store, RolloutStore(store, page_key=b"key"))
    server = make_server("127.0.0.1", 0, make_app(Inbox(store), None), threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield {name: f"http://127.0.0.1:{server.server_port}{path}" for name, path in found.items()}
    finally:
        server.shutdown()
        serving.join(10)
        server.server_close()
        store.close()
