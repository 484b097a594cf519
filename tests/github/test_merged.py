"""Whatever is lost, late, doubled, out of order or started again: what was merged is deployed, refused or superseded.

A history that fails is told in full, and played again by its number: AIOS_BOT_MERGED_FROM=7 plays the seventh fleet.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from tests.github.merged import History, new_history

LEAST = 12  # histories, however slow the machine is; in some of them something is merged
IN_A_FLEET = 25  # histories, one after the other; then a new one begins
MOST = 300  # histories of a test run
SECONDS = 60.0  # of a test run; `make verify-merged` plays AIOS_BOT_MERGED histories, however long it takes
WANTED = int(os.environ.get("AIOS_BOT_MERGED", "0"))
FIRST = int(os.environ.get("AIOS_BOT_MERGED_FROM", "0"))
LEDGER = Path(os.environ.get("AIOS_BOT_MERGED_LEDGER", "") or os.devnull)  # the fleets that are done: a number a line


def play(fleet: History, seed: int, number: int) -> None:
    """One history, and what has to be true after it."""
    fleet.play(random.Random(f"{seed}/{number}"))
    fleet.check_merges()
    fleet.hub.requests.clear()


def test_every_merge_comes_to_an_end() -> None:
    """As many histories as fit into a test run: `commits/{sha}/pulls` lags (apache/texera#4620), deliveries come in
    any order and are never repeated by GitHub itself (docs: handling failed webhook deliveries)."""
    if WANTED:
        play_at_length()
        return
    end, played = time.monotonic() + SECONDS, 0
    with new_history() as fleet:
        while played < MOST and (played < LEAST or time.monotonic() < end):
            play(fleet, FIRST, played)
            played += 1
    assert fleet.merged, "nothing was ever merged: nothing was shown"
    print(f"{played} histories, {fleet.merged} merges")


def play_at_length() -> None:
    """As many histories as are asked for; fleets that the ledger names are done."""
    done = {int(line) for line in LEDGER.read_text().split()} if LEDGER.is_file() else set()
    for seed in (one for one in range(FIRST, FIRST + -(-WANTED // IN_A_FLEET)) if one not in done):
        with new_history() as fleet:
            for number in range(IN_A_FLEET):
                play(fleet, seed, number)
        with LEDGER.open("a") as ledger:
            ledger.write(f"{seed}\n")
        print(f"fleet {seed}: {IN_A_FLEET} histories", flush=True)
