"""`risks:` of the fleet file: how much attention each risk rule asks for in this fleet. Pure."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from ruamel.yaml.comments import CommentedMap

from bot.domain.risk_rules import RULES, Tuning
from bot.fleetfile.fields import Field, Schema, dotted
from bot.fleetfile.yaml_lines import Reader, line_of

_EXAMPLE = "exposure.port_published"


@dataclass(frozen=True)
class Tunings(Field):
    """A severity, or `off`, by the id of a rule."""

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        where = dotted(within, self.name)
        found = {}
        levels = reader.read_mapping(fields, self.name, within)
        for rule in (name for name in levels if isinstance(name, str)):
            value, at = levels[rule], line_of(levels, rule)
            if rule not in RULES:
                near = difflib.get_close_matches(rule, RULES, n=1)
                cure = f"did you mean `{near[0]}`?" if near else "docs/reference/risk-rules.md lists them"
                reader.problem(at, f"{where}: there is no rule {rule[:60]!r}; {cure}")
            elif value not in tuple(Tuning):
                reader.problem(at, f"{where}.{rule} must be one of {', '.join(Tuning)}")
            else:
                found[str(rule)] = Tuning(value)
        return found

    def schema(self) -> Schema:
        return {
            "type": ["object", "null"],
            "propertyNames": {"enum": list(RULES)},
            "additionalProperties": {"enum": [str(word) for word in Tuning]},
            "examples": [{_EXAMPLE: str(Tuning.RISKY)}],
        }

    def describe(self) -> tuple[str, str]:
        words = ", ".join(f"`{word}`" for word in Tuning)
        return f"mapping from a rule of [the list](risk-rules.md) to one of {words}", f"{{{_EXAMPLE}: risky}}"


RISKS = Tunings("risks", "risk rules that weigh more or less here")
