"""Whatever people command while merges are rolled out, nobody gets what nobody wanted, and each merge has its end.

A history that fails is printed in full, and played again by its number: AIOS_BOT_COMMANDED_FROM=7 plays fleet 7.
"""

from __future__ import annotations

import os
import random
import time

from tests.github.commanded import new_commanded

LEAST = 3  # histories, however slow the machine is
IN_A_FLEET = 12  # histories, one after the other; then a new one begins
SECONDS = 20.0  # of a test run; `make verify-commanded` plays AIOS_BOT_COMMANDED histories, however long it takes
WANTED = int(os.environ.get("AIOS_BOT_COMMANDED", "0"))
FIRST = int(os.environ.get("AIOS_BOT_COMMANDED_FROM", "0"))


def test_what_people_command_is_what_happens() -> None:
    """Comments come with deliveries that are late, lost, doubled and out of order; bots see their own words late."""
    end, played, merges, seed = time.monotonic() + SECONDS, 0, 0, FIRST
    while played < max(WANTED, LEAST) or (not WANTED and time.monotonic() < end):
        with new_commanded() as fleet:
            for number in range(IN_A_FLEET):
                if not WANTED and played >= LEAST and time.monotonic() > end:
                    break
                fleet.play(random.Random(f"{seed}/{number}"))
                fleet.check_merges()
                fleet.hub.requests.clear()
                played += 1
            print(f"fleet {seed}: {fleet.merged} merges", flush=True)
            merges += fleet.merged
        seed += 1
    assert merges, "nothing was ever merged: nothing was shown"
    print(f"{played} histories")
