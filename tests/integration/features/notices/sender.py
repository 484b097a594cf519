"""A service's notices alone, to be killed: `python -m tests.integration.features.notices.sender DATABASE ADDRESS`."""

from __future__ import annotations

import sys
import time

from bot.features.fleets.store import PinStore
from bot.features.notices import text
from bot.features.notices.apply.address import make_targets
from bot.features.notices.run import NoticeTools, send_notices
from bot.features.outbox.store import Outbox
from bot.service.database import open_store


def main() -> None:
    url, *addresses = sys.argv[1:]
    # A message names 20 and counts the rest: on a loaded machine more gather between two kills, and none may be lost.
    text.MOST_LINES = 100_000
    store = open_store(url)
    targets = make_targets(addresses)
    tools = NoticeTools(Outbox(store), PinStore(store), targets, time.time)
    assert [target.takes_ids() for target in targets] == [True, False, True]  # and Apprise is loaded
    print("ready", flush=True)
    while True:
        for target in targets:
            send_notices(tools, target, gather=0)
        time.sleep(0.02)


if __name__ == "__main__":
    main()
