"""The plan beside the truth, on two real engines: a short form of `python -m bench accuracy`."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from pathlib import Path

import msgspec

from bench.accuracy import Score, Slice, Verdict, read_slice, run_round, start_world
from bench.accuracy_edits import EDITS
from bench.accuracy_stacks import SHAPES
from bot.protocol.action import Action
from sandbox.engine import Engine, start_engine

ROUNDS: tuple[dict[str, str], ...] = (
    {
        "reload": "file_changed",
        "objects": "config_content",
        "build": "build_file",
        "namespaces": "file_changed",
        "replicas": "scaled",
    },
    {
        "reload": "environment_set",
        "objects": "config_moved",
        "build": "build_ignored",
        "namespaces": "image",
        "replicas": "file_changed",
    },
    {
        "reload": "file_added",
        "objects": "comment",
        "build": "build_argument",
        "namespaces": "service_removed",
        "replicas": "limits",
    },
)


def _network_of(engine: Engine, container: str) -> str:
    """What is seen in the network namespace of a container; one that lost its owner has no card."""
    return engine.docker("run", "--rm", "--network", f"container:{container}", "app:1", "ip", "link", "show", "eth0")


def test_what_was_predicted_is_what_happens(engine: Engine, tmp_path: Path) -> None:
    wanted = set(ROUNDS[0])
    rng = random.Random(5)
    score = Score()
    with tempfile.TemporaryDirectory(prefix="aios-plain-") as folder, start_engine(Path(folder)) as plain:
        stacks = [one for one in (shape() for shape in SHAPES) if one.name in wanted]
        world = start_world(tmp_path, engine, plain, stacks)
        for edits in ROUNDS:
            edited = {}
            for stack, name in edits.items():
                demands = EDITS[name](world.stacks[stack], rng)
                assert demands is not None, (stack, name)
                edited[stack] = (name, demands)
            run_round(world, score, edited)
            # Restarted or made again together, in the right order: they still share.
            assert len({_network_of(engine, f"namespaces-{name}-1") for name in ("vpn", "client")}) == 1, edits
    assert score.failures == score.incomparable == []
    assert score.misses == []
    assert {verdict.predicted for verdict in score.verdicts} == set(Action)


def test_a_kept_slice_is_read_back() -> None:
    """A run goes on after the slices that it finds."""
    verdict = Verdict("web", "app", "image", Action.RECREATE, Action.RECREATE, Action.RECREATE)
    score = Score([verdict], Counter(image=2), {"plain"}, ["web: image: no such image"])
    kept = Slice("compose 2.40.3", 3, score)
    assert msgspec.structs.asdict(read_slice(msgspec.json.encode(kept))) == msgspec.structs.asdict(kept)
