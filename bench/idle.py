"""What the service holds while nothing happens, and what `aios-bot --help` takes.

`python -m bench idle`. The service is a process of its own beside the embedded GitHub, has opened one pull request,
and is then left alone. Memory is what Linux calls resident: what is in RAM, with the files that it has mapped,
shared ones included. Printed beside it is the same with the service's share of each file that others have mapped too;
where nothing else runs this Python the two are equal. The modules are compiled beforehand, as in an install. Before
all this, as a floor: a process that has imported the libraries of the service in the same way, and does nothing.
"""

from __future__ import annotations

import compileall
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sandbox.running import run_small_aios
from sandbox.world import SERVER, AiosWorld

MOST_MEMORY = 100_000_000  # bytes
MOST_CPU = 0.25  # seconds
ROUNDS = 9
PAUSE = 20.0  # seconds after the pull request: its work is done, and what was gathered is given back
LIMIT = 60  # seconds
LIBRARIES = (
    *("click", "cryptography.fernet", "filelock", "flask", "github", "jwt", "msgspec", "prometheus_client"),
    *("pydantic", "pydantic_settings", "requests", "ruamel.yaml", "securesystemslib.dsse", "sqlalchemy", "waitress"),
)
"""What `aios-bot serve` imports of the packages that pyproject.toml names for a service on SQLite."""
_FLOOR = f"""
from bot.service.memory import spare_memory
spare_memory()
import {", ".join(LIBRARIES)}
print("imported", flush=True)
input()
"""
INGRESS = "stacks/ingress/docker-compose.yml"


def main() -> None:
    """Run and print."""
    compileall.compile_dir("bot", quiet=1)
    seconds = statistics.median(_cpu_of_help() for _ in range(ROUNDS))
    print(f"`aios-bot --help`: {seconds:.2f} s of CPU (median of {ROUNDS})")
    print(f"  at most {MOST_CPU} s is wanted: {'reached' if seconds <= MOST_CPU else 'MISSED'}")
    _print_floor()
    with tempfile.TemporaryDirectory(prefix="aios-idle-") as name:
        folder = Path(name)
        with run_small_aios(folder, node_root=folder / "node") as (world, service, _):
            _print_memory("the service, just started", service.process.pid)
            world.edit(SERVER, INGRESS, "traefik:v3.1", "traefik:v3.2", "traefik 3.2")
            _wait_for_requests_to_end(world)
            held = _print_memory("the service, idle after its first pull request", service.process.pid)
    print(f"  at most {MOST_MEMORY / 1e6:.0f} MB is wanted: {'reached' if held <= MOST_MEMORY else 'MISSED'}")


def _cpu_of_help() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "bot", "--help"], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _print_floor() -> None:
    command = [sys.executable, "-c", _FLOOR]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        _print_memory("its libraries alone, imported", process.pid)
        process.communicate("\n")


def _wait_for_requests_to_end(world: AiosWorld) -> None:
    """Wait until the service has asked GitHub for nothing for PAUSE seconds."""
    deadline = time.monotonic() + LIMIT
    count, since = len(world.hub.requests), time.monotonic()
    while time.monotonic() < min(deadline, since + PAUSE):
        if len(world.hub.requests) != count:
            count, since = len(world.hub.requests), time.monotonic()
        time.sleep(0.5)


def _print_memory(when: str, process: int) -> int:
    """Print and return the resident bytes."""
    sizes: dict[str, int] = {}
    for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if rest.endswith(" kB"):
            sizes[name] = int(rest.split()[0]) * 1024
    held, private = sizes["Rss"], sizes["Anonymous"]
    tasks = list(Path(f"/proc/{process}/task").iterdir())
    threads = len(tasks)
    children = sum(len((task / "children").read_text(encoding="ascii").split()) for task in tasks)
    print(
        f"{when}: {held / 1e6:.0f} MB, of which its own {private / 1e6:.0f} MB "
        f"and mapped files {(held - private) / 1e6:.0f} MB; {sizes['Pss'] / 1e6:.0f} MB with its share of those; "
        f"{threads} threads, {children} child processes"
    )
    return held
