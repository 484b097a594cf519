"""kill -9 of the real service at random moments, while people push and merge and a node deploys.

AIOS_BOT_KILLS sets how often (default 3; `make soak` does 100).
"""

from __future__ import annotations

import os
import random
import threading

from sandbox.service import free_port
from tests.faults.flows import Flows, flows, in_background, pause
from tests.integration.postgres import make_database, postgres_server

KILLS = int(os.environ.get("AIOS_BOT_KILLS", "3"))


def test_kill_9_of_the_only_service() -> None:
    with flows() as world:
        world.start()
        done = threading.Event()
        people, problems = in_background(lambda: _work(world, done))
        kills = 0
        while people.is_alive() and kills < KILLS:
            pause(8.0)
            world.kill(world.services[0])
            kills += 1
            world.start()
        done.set()
        people.join()
        assert (problems, kills) == ([], KILLS)
        world.settle()
        print(f"\nSQLite, one service: {kills} kills, {world.check()}")


def test_kill_9_of_one_of_three_services() -> None:
    with postgres_server() as server, flows(make_database(server, "bot")) as world:
        ports = [0, free_port(), free_port()]
        services = [world.start(port=port) for port in ports]
        done = threading.Event()
        people, problems = in_background(lambda: _work(world, done))
        kills = 0
        while people.is_alive() and kills < KILLS:
            pause(8.0)
            victim = random.randrange(3)
            world.kill(services[victim])
            kills += 1
            services[victim] = world.start(port=ports[victim])
        done.set()
        people.join()
        assert (problems, kills) == ([], KILLS)
        world.settle()
        print(f"\nPostgreSQL, three services: {kills} kills, {world.check()}")


def _work(world: Flows, done: threading.Event) -> None:
    while not done.is_set():
        world.push_and_merge(1)
