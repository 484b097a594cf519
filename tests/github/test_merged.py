"""Whatever is lost, late, doubled, out of order or started again: what was merged is deployed, refused or superseded.

A history that fails is printed in full, and played again by its number: AIOS_BOT_MERGED_FROM=7 begins with fleet 7.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.github.merged import new_history

IN_A_FLEET = 25  # histories, one after the other; then a new one begins
FLEETS = 12  # of a test run; `make verify-merged` plays AIOS_BOT_MERGED histories
WANTED = int(os.environ.get("AIOS_BOT_MERGED", "0"))
FIRST = int(os.environ.get("AIOS_BOT_MERGED_FROM", "0"))
LEDGER = Path(os.environ.get("AIOS_BOT_MERGED_LEDGER", "") or os.devnull)  # the fleets that are done: a number a line
DONE = {int(line) for line in LEDGER.read_text().split()} if LEDGER.is_file() else set[int]()
SEEDS = [seed for seed in range(FIRST, FIRST + (-(-WANTED // IN_A_FLEET) or FLEETS)) if seed not in DONE]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_merge_comes_to_an_end(seed: int) -> None:
    """`commits/{sha}/pulls` lags (apache/texera#4620), deliveries come in any order and are never repeated by GitHub
    itself (docs: handling failed webhook deliveries)."""
    with new_history() as fleet:
        for number in range(IN_A_FLEET):
            fleet.play(random.Random(f"{seed}/{number}"))
            fleet.check_merges()
            fleet.hub.requests.clear()
    assert fleet.merged, "nothing was ever merged: nothing was shown"
    with LEDGER.open("a") as ledger:
        ledger.write(f"{seed}\n")
    print(f"fleet {seed}: {IN_A_FLEET} histories, {fleet.merged} merges", flush=True)
