"""A service to be killed: `python -m tests.faults.victim DATABASE LOG`. Prints its port, then works until it dies.

Every look is noted in LOG when it begins and ends; one line is one write, so that a kill cuts between lines.
LOG.ticks has a line for every time that its schedule, of once a second, was run.
"""

from __future__ import annotations

import os
import random
import sys
import time

from bot.features.bump.jobs import SyncBump
from bot.queue.engine import Schedule
from bot.queue.inbox import Inbox, Patience
from bot.queue.ledger import Burst
from bot.service.router import Look
from bot.service.server import serve
from bot.service.shutdown import Ending
from bot.settings.values import Secret
from bot.storage.store import Store
from bot.web.app import create_app

SECRET = Secret("0123456789abcdef")
IMPATIENT = Patience(burst=Burst(quiet=200, longest=1000), sweep=1.0, beat=0.3, dead_after=2.0)


def main() -> None:
    url, log = sys.argv[1:]
    note = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def work(look: Look) -> None:
        if not isinstance(look, SyncBump):
            return  # a pull request is also looked at for its review, alike for all of a fleet: nothing to count
        name = f"{look.fleet} {look.submodule} {os.getpid()}\n"
        os.write(note, f"begin {name}".encode())
        time.sleep(random.uniform(0.001, 0.02))
        os.write(note, f"end {name}".encode())

    inbox = Inbox(Store(url), workers=4, patience=IMPATIENT)
    ticks = os.open(f"{log}.ticks", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def tick() -> None:
        os.write(ticks, f"{os.getpid()}\n".encode())

    inbox.start(work, schedules={"tick": Schedule(cron="* * * * * *", task=tick)})
    app = create_app(inbox, SECRET)
    serve(app, "127.0.0.1", 0, ready=lambda port: print(port, flush=True), ending=Ending())
    inbox.stop()


if __name__ == "__main__":
    main()
