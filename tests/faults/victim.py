"""A service to be killed: `python -m tests.faults.victim DATABASE LOG`. Prints its port, then works until it dies.

Every look is noted in LOG when it begins and ends; one line is one write, so that a kill cuts between lines.
LOG.ticks has a line for every time that its schedule, of once a second, was run.
"""

from __future__ import annotations

import faulthandler
import os
import random
import sys
import time

from bot.features.bump.jobs import SyncBump
from bot.queue.inbox import Inbox, RetryPolicy
from bot.queue.lanes import Burst
from bot.queue.timetable import Schedule
from bot.service.database import open_store
from bot.service.router import AnyJob
from bot.service.server import serve
from bot.service.shutdown import Shutdown
from bot.settings.values import Secret
from tests.queueing import handler, make_app

SECRET = Secret("0123456789abcdef")
IMPATIENT = RetryPolicy(
    burst=Burst(quiet=200, longest=1000), sweep=1.0, beat=0.3, dead_after=6.0
)  # a busy machine may stand still for two seconds


def main() -> None:
    faulthandler.enable()
    url, log = sys.argv[1:]
    note = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def work(job: AnyJob) -> None:
        if not isinstance(job, SyncBump):
            return  # a pull request is also looked at for its review, alike for all of a fleet: nothing to count
        name = f"{job.fleet} {job.submodule} {os.getpid()}\n"
        os.write(note, f"begin {name}".encode())
        time.sleep(random.uniform(0.001, 0.02))
        os.write(note, f"end {name}".encode())

    inbox = Inbox(open_store(url), workers=4, policy=IMPATIENT)
    ticks = os.open(f"{log}.ticks", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def tick() -> None:
        os.write(ticks, f"{os.getpid()}\n".encode())

    inbox.start(handler(work), schedules={"tick": Schedule(1, tick)})
    app = make_app(inbox, SECRET)
    serve(app, "127.0.0.1", 0, ready=lambda port: print(port, flush=True), shutdown=Shutdown())
    inbox.stop()


if __name__ == "__main__":
    main()
