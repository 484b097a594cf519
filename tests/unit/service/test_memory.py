"""How many of the C library's arenas a service's threads share."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from bot.service.memory import keep_few_arenas

# Sixteen threads hold a piece each at the same time; an arena of theirs is a reserved range that starts at 64 MiB.
PROGRAM = """
import ctypes, threading
from bot.service.memory import keep_few_arenas
{call}
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
ready, done = threading.Barrier(17), threading.Event()
def hold():
    library.malloc(100_000)
    ready.wait()
    done.wait()
threads = [threading.Thread(target=hold) for _ in range(16)]
for one in threads: one.start()
ready.wait()
lines = [line.split() for line in open("/proc/self/maps")]
starts = [int(line[0].split("-")[0], 16) for line in lines if line[1] == "rw-p" and len(line) == 5]
print(sum(start % (64 << 20) == 0 for start in starts))
done.set()
"""


def count_arenas(call: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(call=call)], capture_output=True, text=True, check=True, timeout=60
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no arenas")
def test_threads_share_few_arenas() -> None:
    assert count_arenas("") > 2  # else this test shows nothing
    assert count_arenas("assert keep_few_arenas()") <= 1  # beside the heap of the program itself


def test_another_system_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_few_arenas()
