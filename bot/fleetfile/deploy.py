"""`deploy:` and `drift:` of the fleet file: how a merge reaches the nodes, and how they are looked after. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from bot.domain.names import NodeName
from bot.domain.values import Value
from bot.fleetfile.fields import Field, Flag, Part, Schema, Section, Text, dotted, text_schema
from bot.fleetfile.nodes import Node
from bot.fleetfile.shapes import DURATION, NODE_NAME, WORKFLOW
from bot.fleetfile.yaml_lines import Reader, kind_of, line_of

Wave = tuple[NodeName, ...]
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Deploy(Value, frozen=True):
    """How a merge reaches the nodes. Times are in seconds."""

    workflow: str = "deploy.yml"
    waves: tuple[Wave, ...] = ()  # as written; see `waves_of`
    soak: int = 0  # between the end of a wave and the next
    offline_after: int = 600  # that an order waits for its runner
    stop_on_drift: bool = False


class Drift(Value, frozen=True):
    """How often nodes are asked whether they still run what they were given."""

    every: int = 86_400  # seconds; 0: never


@dataclass(frozen=True)
class Duration(Field):
    """A time such as `10m`, as seconds."""

    example: str

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        text = reader.read_text(fields, self.name, within, DURATION.pattern, self.example)
        return None if text is None else int(text[:-1]) * _SECONDS[text[-1]]

    def schema(self) -> Schema:
        return text_schema(DURATION) | {"examples": [self.example]}

    def describe(self) -> tuple[str, str]:
        return f"time: {DURATION.words}", self.example


@dataclass(frozen=True)
class Waves(Field):
    """Lists of node names, one after the other."""

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        value, what = fields[self.name], dotted(within, self.name)
        if not isinstance(value, CommentedSeq):
            at = line_of(fields, self.name)
            reader.problem(at, f"{what} must be a list of lists such as `[[AIOS], [HP_LAB]]`, not {kind_of(value)}")
            return None
        return tuple(
            self._read_wave(reader, value, index, f"{what}, wave {index + 1}") for index in range(len(value))
        )

    def _read_wave(self, reader: Reader, waves: CommentedSeq, index: int, what: str) -> Wave:
        wave, at = waves[index], int(waves.lc.item(index)[0]) + 1
        if not isinstance(wave, CommentedSeq) or not wave:
            reader.problem(at, f"{what} must be a list of at least one node, such as `[AIOS]`")
            return ()
        names = (reader.text(name, at, what, NODE_NAME.pattern, "AIOS") for name in wave)
        return tuple(NodeName(name) for name in names if name is not None)

    def schema(self) -> Schema:
        wave = {"type": "array", "items": text_schema(NODE_NAME), "minItems": 1, "uniqueItems": True}
        return {"type": "array", "items": wave, "examples": [[["AIOS"], ["HP_LAB"]]]}

    def describe(self) -> tuple[str, str]:
        return "list of lists of node names", "[[AIOS], [HP_LAB]]"


DEPLOY = Part(
    "deploy",
    "how merges are deployed",
    Section(
        Deploy,
        (
            Text("workflow", "file name of the workflow that carries the orders", WORKFLOW, "deploy.yml"),
            Waves("waves", "nodes that are deployed one wave after the other; those not named come last, together"),
            Duration("soak", "how long a wave has to have run before the next begins; left out: no time", "10m"),
            Duration("offline_after", "how long an order waits before its node is said to be offline", "10m"),
            Flag("stop_on_drift", "whether a node that does not run what it was given is left as it is"),
        ),
    ),
)
DRIFT = Part(
    "drift",
    "whether nodes still run what they were given",
    Section(Drift, (Duration("every", "how often each node is asked; `0s`: never", "1d"),)),
)


def waves_of(deploy: Deploy, nodes: tuple[Node, ...]) -> tuple[Wave, ...]:
    """Every node in exactly one wave: those that no wave names come last, together."""
    names = tuple(node.name for node in nodes)
    named = {name for wave in deploy.waves for name in wave}
    waves = [tuple(name for name in wave if name in names) for wave in deploy.waves]
    return tuple(wave for wave in (*waves, tuple(name for name in names if name not in named)) if wave)


def check_waves(reader: Reader, fields: CommentedMap, deploy: Deploy, nodes: tuple[Node, ...]) -> None:
    """Each name in `waves` is a node, and stands there once."""
    known = {node.name for node in nodes}
    seen: set[str] = set()
    for name in (name for wave in deploy.waves for name in wave):
        at = line_of(fields["deploy"], "waves")
        if name not in known:
            reader.problem(at, f"deploy.waves: `{name}` is no node of this file; known: {', '.join(sorted(known))}")
        elif name in seen:
            reader.problem(at, f"deploy.waves: `{name}` stands there twice; a node is in one wave")
        seen.add(name)
