"""Time over growing texts that are made to be slow: `python -m bench hostile`. Growth near 2 a doubling is linear.

Seconds are of the process, so other load counts little; the smallest of three runs is taken.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from bench.hostile_service import print_beside_others
from bot.domain.names import NodeName, StackName
from bot.plan.build_effect import describe_effect
from bot.plan.dockerfile import fill_in, parse_dockerfile
from bot.plan.lists import find_differences
from bot.plan.model_diff import render_diff
from bot.planner.interpolation import find_uses, read_settings
from bot.planner.yaml_dialect import YamlRefusedError
from bot.planner.yaml_nodes import parse_yaml
from bot.redaction.redact import Redactor, known_from
from bot.risks.assess import find_risks
from bot.risks.pairs import NodePair, StackPair
from tests.unit.redaction.test_hostile import UNITS

SIZES = (32 * 1024, 64 * 1024, 128 * 1024, 256 * 1024)  # characters; a compose file may hold the last
RUNS = 3
_REDACTOR = Redactor(b"key of a measurement")


def _redact(unit: str) -> Callable[[int], object]:
    return lambda size: _REDACTOR.text((unit * (size // len(unit) + 1))[:size])


def _known(size: int) -> object:
    values = [f"value-{number:06}" for number in range(size // 64)]
    text = " ".join(values)
    return _REDACTOR.text(text * (size // len(text)), known_from([("A_PASSWORD", value) for value in values]))


def _ports(size: int) -> object:
    ports = [{"target": at, "published": str(at), "protocol": "tcp"} for at in range(1, size // 22)]
    model: dict[str, Any] = {"name": "x", "services": {"web": {"ports": ports}}}
    find_differences([], ports)
    render_diff({}, model)
    node = NodePair(NodeName("N"), "linux", (StackPair(StackName("x"), {"name": "x", "services": {}}, model),))
    return list(find_risks(node))


def _anchors(size: int) -> object:
    lines = ["x-0: &a0 [b, b]"] + [f"x-{at}: &a{at} [*a{at - 1}, *a{at - 1}]" for at in range(1, size // 24)]
    try:
        return parse_yaml("\n".join(lines).encode())
    except YamlRefusedError as refused:
        return refused.message


def _nested(size: int) -> object:
    return list(find_uses(("${A:-" * 30 + "}" * 30) * (size // 180)))


def _dockerfile(argument: str, end: str) -> Callable[[int], object]:
    """A Dockerfile of three eighths of the size: the greatest one is the longest that is read."""

    def work(size: int) -> object:
        text = (argument * size)[: size * 3 // 16]
        file = parse_dockerfile(f"ARG {text}{end}\nFROM ${{a}}\nENV {text}{end}\n")
        return describe_effect(fill_in(file, {}), file.stages, [0])

    return work


WORK: dict[str, Callable[[int], object]] = {
    **{f"redaction: {name}": _redact(unit) for name, unit in UNITS.items()},
    "redaction: many known values": _known,
    "nested variables": _nested,
    "env file of letters": lambda size: read_settings("b" * size),
    "published ports": _ports,
    "YAML anchors": _anchors,
    "Dockerfile: one long word": _dockerfile("a", "!"),
    "Dockerfile: quotes without an end": _dockerfile('a="', '"x'),
}


def _seconds(work: Callable[[int], object], size: int) -> float:
    found = []
    for _ in range(RUNS):
        start = time.process_time()
        work(size)
        found.append(time.process_time() - start)
    return min(found)


def main() -> None:
    """Print what another fleet's stack takes from the service, then the seconds of each size and its growth."""
    print_beside_others()
    print()
    print(f"{'':<44}" + "".join(f"{size // 1024:>7} KiB" for size in SIZES) + "   growth a doubling")
    for name, work in WORK.items():
        times = [_seconds(work, size) for size in SIZES]
        growth = [later / max(earlier, 1e-4) for earlier, later in itertools.pairwise(times)]
        print(
            f"{name:<44}" + "".join(f"{one:>11.3f}" for one in times) + "   " + " ".join(f"{g:.1f}" for g in growth)
        )
