"""The end of the service comes in time, and only then by force."""

from __future__ import annotations

import os
import signal
import threading

from bot.service.server import end_on_signal
from bot.service.shutdown import Shutdown


def test_nothing_ends_before_it_is_asked_for() -> None:
    cut = threading.Event()
    ending = Shutdown(limit=2.0, cut_off=cut.set)
    assert not ending.requested.wait(0.05)
    assert not cut.is_set()
    ending.over()


def test_what_does_not_end_by_itself_is_cut_off() -> None:
    cut = threading.Event()
    ending = Shutdown(limit=2.01, cut_off=cut.set)
    assert ending.left() > 0
    ending.begin()
    ending.begin()
    assert ending.requested.wait(10)
    assert cut.wait(10)
    assert ending.left() == 0


def test_what_ended_in_good_order_is_not_cut_off() -> None:
    cut = threading.Event()
    ending = Shutdown(limit=3600, cut_off=cut.set)
    ending.begin()
    ending.over()
    assert ending.requested.wait(10)
    assert not cut.wait(0.05)


def test_an_end_in_good_order_leaves_at_once() -> None:
    left = threading.Event()
    ending = Shutdown(limit=3600, cut_off=left.set)
    ending.begin()
    ending.leave()
    assert left.is_set()


def test_a_signal_asks_for_the_end_and_a_second_one_is_as_ever() -> None:
    before = signal.getsignal(signal.SIGTERM)
    ending = Shutdown(limit=3600)
    with end_on_signal(ending):
        os.kill(os.getpid(), signal.SIGTERM)
        assert ending.requested.wait(10)
        assert signal.getsignal(signal.SIGTERM) == before
    assert ending.left() < 3600
    ending.over()
